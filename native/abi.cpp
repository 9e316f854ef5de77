// The C interface: programs in, errors out, no exception past this line.
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "arena.h"
#include "elman.h"
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

void check(const elman_call& call) {
    if (call.steps < 1 || call.batch < 1) throw std::invalid_argument("an empty batch");
    if (call.parts < 1 || call.parts > call.batch || call.team < 1) throw std::invalid_argument("parts or team");
    if (call.lengths)
        for (int64_t b = 0; b < call.batch; b++)
            if (call.lengths[b] < 1 || call.lengths[b] > call.steps) throw std::invalid_argument("a length outside 1..T");
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
    return guarded<>(int64_t(-1), [&] {
        return p->program.is_double ? int64_t(sizeof(double)) * elman::packed_elements(p->program, *p->set->f64)
                                    : int64_t(sizeof(float)) * elman::packed_elements(p->program, *p->set->f32);
    });
}
int64_t elman_tape_bytes(const elman_program* p, const elman_call* call) {
    return guarded<>(int64_t(-1), [&] {
        check(*call);
        return p->program.is_double ? int64_t(sizeof(double)) * elman::tape_elements<double>(p->program, *call)
                                    : int64_t(sizeof(float)) * elman::tape_elements<float>(p->program, *call);
    });
}
int elman_run(const elman_program* p, const elman_call* call) {
    return guarded<>(-1, [&] {
        check(*call);
        if (p->program.is_double)
            elman::Run<double>(p->program, *call, *p->set->f64)();
        else
            elman::Run<float>(p->program, *call, *p->set->f32)();
        return 0;
    });
}

elman_prepared* elman_prepare(const elman_program* p, const elman_call* call) {
    return guarded<>(static_cast<elman_prepared*>(nullptr), [&] {
        check(*call);
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

void* elman_take(size_t bytes) {
    return guarded<>(static_cast<void*>(nullptr), [&] { return elman::take(bytes); });
}
void elman_give(void* block) { elman::give(block); }
size_t elman_trim(void) { return elman::trim(); }
}
