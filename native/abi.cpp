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
#include "handles.h"
#include "next.h"
#include "opcodes.h"
#include "threads.h"

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

// What an address of the caller's leads to.
template <class P>
P& at(P* p, const char* what) {
    if (!p) throw std::invalid_argument(std::string("no ") + what);
    return *p;
}

}  // namespace

extern "C" {

int elman_abi(void) { return ELMAN_ABI; }
const char* elman_error(void) { return error.c_str(); }
const char* elman_isa(void) {
    return guarded<>(static_cast<const char*>(nullptr), [] { return chosen().name; });
}
const char* elman_isas(void) { return elman::instruction_sets(); }
int elman_halves(void) {
    return guarded<>(-1, [] { return elman::halves(chosen()) ? 1 : 0; });
}
const char* elman_operations(void) {
#define ELMAN_TEXT(name) #name " "
    return ELMAN_OPERATIONS(ELMAN_TEXT);
#undef ELMAN_TEXT
}
int elman_use_threads_of(const char* library) { return elman::use_openmp(library) ? 0 : -1; }
const char* elman_threads(void) { return elman::threads_in_use(); }

elman_program* elman_program_new(const int64_t* words, size_t count, int is_double, int products) {
    return guarded<>(static_cast<elman_program*>(nullptr),
                     [&] { return new elman_program{elman::read_program(&at(words, "words"), count, is_double != 0, elman::Products(products), chosen()), &chosen()}; });
}
void elman_program_free(elman_program* p) { delete p; }

int64_t elman_packed_bytes(const elman_program* p) {
    return guarded<>(int64_t(-1), [&] { return elman::packed_bytes(at(p, "program")); });
}
int64_t elman_tape_bytes(const elman_program* p, const elman_call* call) {
    return guarded<>(int64_t(-1), [&] {
        elman::check_sizes(at(call, "call"));
        return elman::typed(at(p, "program"), [&](auto zero, const auto&) { return int64_t(sizeof zero) * elman::tape_elements<decltype(zero)>(p->program, *call); });
    });
}
int elman_run(const elman_program* p, const elman_call* call) {
    return guarded<>(-1, [&] {
        elman::check_call(at(p, "program"), at(call, "call"));
        elman::typed(*p, [&](auto zero, const auto& kernels) { elman::Run<decltype(zero)>(p->program, *call, kernels)(); });
        return 0;
    });
}

elman_prepared* elman_prepare(const elman_program* p, const elman_call* call) {
    return guarded<>(static_cast<elman_prepared*>(nullptr), [&] { return new elman_prepared(at(p, "program"), at(call, "call")); });
}
int elman_run_prepared(elman_prepared* p) {
    return guarded<>(-1, [&] {
        const elman::Turn turn(at(p, "prepared call"));
        p->check();
        p->run();
        return 0;
    });
}
void elman_prepared_free(elman_prepared* p) { delete p; }

int64_t elman_eight_bytes(int64_t n, int64_t k, int is_double) {
    return guarded<>(int64_t(-1), [&] { return elman::eight_bytes(n, k, is_double != 0, chosen()); });
}
int elman_eight(const void* matrix, int64_t extent, int64_t n, int64_t k, int is_double, void* to, int64_t bytes) {
    return guarded<>(-1, [&] {
        elman::pack_eight(matrix, extent, n, k, is_double != 0, to, bytes, chosen());
        return 0;
    });
}

int elman_additive(const elman_additive_call* call) {
    return guarded<>(-1, [&] {
        elman::additive(at(call, "call"), chosen());
        return 0;
    });
}

int elman_ctc(const elman_ctc_call* call) {
    return guarded<>(-1, [&] {
        elman::ctc(at(call, "call"));
        return 0;
    });
}

int elman_next_step(const elman_next* text, const int64_t* units, void* before, void* after) {
    return guarded<>(-1, [&] {
        elman::next(at(text, "text"), chosen(), units, before, after);
        return 0;
    });
}
int64_t elman_next_draw(const elman_next* text, const elman_draws* how, int64_t unit, void* one, void* other, const double* chances, int64_t count,
                        int64_t* units, double* log_probs) {
    return guarded<>(int64_t(-1), [&] { return elman::draw(at(text, "text"), chosen(), at(how, "way to draw"), unit, one, other, chances, count, units, log_probs); });
}

void* elman_take(size_t bytes) {
    return guarded<>(static_cast<void*>(nullptr), [&] { return elman::take(bytes); });
}
void elman_give(void* block) { elman::give(block); }
size_t elman_trim(void) { return elman::trim(); }
}
