// The C interface: programs in, errors out, no exception past this line.
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "additive.h"
#include "arena.h"
#include "checks.h"
#include "ctc.h"
#include "elman.h"
#include "next.h"
#include "opcodes.h"
#include "scan.h"
#include "threads.h"

struct elman_program {
    elman::Program program;
    const elman::InstructionSet* set;
};

struct elman_prepared {
    std::unique_ptr<elman::Run<float>> f32;
    std::unique_ptr<elman::Run<double>> f64;
};

namespace {

thread_local std::string error;

template <class F, class R>
R guarded(R failed, F f) noexcept {
    try {
        return f();
    } catch (const std::exception& e) {
        error = e.what();
    } catch (...) {
        error = "unknown error";
    }
    return failed;
}

const elman::InstructionSet& chosen() {
    const elman::InstructionSet* set = elman::instruction_set();
    if (!set) throw std::runtime_error(std::string("ELMAN_ISA names none of ") + elman::instruction_sets());
    return *set;
}

template <class F>
auto typed(const elman_program& p, F f) {
    return p.program.is_double ? f(double(), *p.set->f64) : f(float(), *p.set->f32);
}

int64_t packed_bytes(const elman_program& p) {
    return typed(p, [&](auto zero, const auto& kernels) { return int64_t(sizeof zero) * elman::packed_elements(p.program, kernels); });
}

void check(const elman_program& p, const elman_call& call) {
    elman::check_sizes(call);
    elman::check_memory(p.program, call);
    if (call.packed) elman::check_room(call.packed, call.packed_bytes, packed_bytes(p), "room for packed matrices");
}

}  // namespace

extern "C" {

int elman_abi(void) { return ELMAN_ABI; }
const char* elman_error(void) { return error.c_str(); }
const char* elman_isa(void) {
    return guarded<>(static_cast<const char*>(nullptr), [] { return chosen().name; });
}
const char* elman_isas(void) { return elman::instruction_sets(); }
const char* elman_operations(void) {
#define ELMAN_TEXT(name) #name " "
    return ELMAN_OPERATIONS(ELMAN_TEXT);
#undef ELMAN_TEXT
}
int elman_use_threads_of(const char* library) { return elman::use_openmp(library) ? 0 : -1; }
const char* elman_threads(void) { return elman::threads_in_use(); }

elman_program* elman_program_new(const int64_t* words, size_t count, int is_double) {
    return guarded<>(static_cast<elman_program*>(nullptr),
                     [&] { return new elman_program{elman::read_program(words, count, is_double != 0), &chosen()}; });
}
void elman_program_free(elman_program* p) { delete p; }

int64_t elman_packed_bytes(const elman_program* p) {
    return guarded<>(int64_t(-1), [&] { return packed_bytes(*p); });
}
int64_t elman_tape_bytes(const elman_program* p, const elman_call* call) {
    return guarded<>(int64_t(-1), [&] {
        elman::check_sizes(*call);
        return typed(*p, [&](auto zero, const auto&) { return int64_t(sizeof zero) * elman::tape_elements<decltype(zero)>(p->program, *call); });
    });
}
int elman_run(const elman_program* p, const elman_call* call) {
    return guarded<>(-1, [&] {
        check(*p, *call);
        typed(*p, [&](auto zero, const auto& kernels) { elman::Run<decltype(zero)>(p->program, *call, kernels)(); });
        return 0;
    });
}

elman_prepared* elman_prepare(const elman_program* p, const elman_call* call) {
    return guarded<>(static_cast<elman_prepared*>(nullptr), [&] {
        check(*p, *call);
        auto prepared = std::make_unique<elman_prepared>();
        if (p->program.is_double)
            prepared->f64 = std::make_unique<elman::Run<double>>(p->program, *call, *p->set->f64);
        else
            prepared->f32 = std::make_unique<elman::Run<float>>(p->program, *call, *p->set->f32);
        return prepared.release();
    });
}
int elman_run_prepared(elman_prepared* p) {
    return guarded<>(-1, [&] {
        if (p->f64)
            (*p->f64)();
        else
            (*p->f32)();
        return 0;
    });
}
void elman_prepared_free(elman_prepared* p) { delete p; }

int elman_additive(const elman_additive_call* call) {
    return guarded<>(-1, [&] {
        elman::additive(*call, chosen());
        return 0;
    });
}

int elman_ctc(const elman_ctc_call* call) {
    return guarded<>(-1, [&] {
        elman::ctc(*call);
        return 0;
    });
}

int elman_next_step(const elman_next* text, const int64_t* units, void* before, void* after) {
    return guarded<>(-1, [&] {
        elman::next(*text, chosen(), units, before, after);
        return 0;
    });
}
int64_t elman_next_draw(const elman_next* text, const elman_draws* how, int64_t unit, void* one, void* other, const double* chances, int64_t count,
                        int64_t* units, double* log_probs) {
    return guarded<>(int64_t(-1), [&] { return elman::draw(*text, chosen(), *how, unit, one, other, chances, count, units, log_probs); });
}

void* elman_take(size_t bytes) {
    return guarded<>(static_cast<void*>(nullptr), [&] { return elman::take(bytes); });
}
void elman_give(void* block) { elman::give(block); }
size_t elman_trim(void) { return elman::trim(); }
}
