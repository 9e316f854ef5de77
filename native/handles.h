// What stands behind the handles of the C interface.
#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>

#include "elman.h"
#include "scan.h"

namespace elman {
class Turn;
}

struct elman_program {
    elman::Program program;
    const elman::InstructionSet* set;
};

// A call that is made again and again. What may change in the meantime is the caller's word, too, so each run looks again.
struct elman_prepared {
    elman_prepared(const elman_program& program, const elman_call& call);

    // Throws std::invalid_argument where anything has changed but `pack` and addresses, or where one of those is wrong now.
    void check() const;
    void run() { f64_ ? (*f64_)() : (*f32_)(); }

    const elman::Program& program() const { return of_.program; }
    const elman_call& call() const { return call_; }

private:
    friend class elman::Turn;

    const elman_program& of_;
    const elman_call& call_;  // the caller's own
    const elman_call first_;  // as it was when it was prepared
    std::unique_ptr<elman::Run<float>> f32_;
    std::unique_ptr<elman::Run<double>> f64_;
    std::atomic<bool> taken_{false};
};

namespace elman {

// A thread's turn at a prepared call. Two of them at once would write to each other's memory, and nobody would see it.
class Turn {
public:
    explicit Turn(elman_prepared& prepared) : prepared_(prepared) {
        if (prepared.taken_.exchange(true, std::memory_order_acquire)) throw std::runtime_error("a prepared call is in use already, by another thread or in the same text");
    }
    ~Turn() { prepared_.taken_.store(false, std::memory_order_release); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    elman_prepared& prepared_;
};

// Throws std::invalid_argument for a call that this program cannot make.
void check_call(const elman_program& program, const elman_call& call);

// Calls f with a zero of the program's type and the kernels for it.
template <class F>
auto typed(const elman_program& p, F f) {
    return p.program.is_double ? f(double(), *p.set->f64) : f(float(), *p.set->f32);
}

int64_t packed_bytes(const elman_program& program);

}  // namespace elman
