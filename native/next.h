// What comes next in texts: embedding, layers, softmax and a draw, see elman.h.
#pragma once

#include "elman.h"
#include "kernels.h"

namespace elman {

// Throw std::invalid_argument for what makes no sense, and std::runtime_error where a layer does not run or is in use.
void next(const elman_next& text, const InstructionSet& set, const int64_t* units, void* before, void* after);
int64_t draw(const elman_next& text, const InstructionSet& set, const elman_draws& how, int64_t unit, void* one, void* other,
             const double* chances, int64_t count, int64_t* units, double* log_probs);

// A matrix (n, k) in 8 bits, for the softmax; std::invalid_argument for sizes, addresses or extents that make no sense.
int64_t eight_bytes(int64_t n, int64_t k, bool is_double, const InstructionSet& set);
void pack_eight(const void* matrix, int64_t extent, int64_t n, int64_t k, bool is_double, void* to, int64_t bytes, const InstructionSet& set);

// What is looked at before anything is written, in next_checks.cpp. What a draw reads and writes besides:
struct Drawing {
    const elman_draws& how;
    const double* chances;
    int64_t count;
    int64_t* units;
    double* log_probs;
};
void check_text(const elman_next& text, const InstructionSet& set);  // what it says of itself
void check_layers(const elman_next& text);                           // believes that, as the next one does; in this thread's turn
void check_places(const elman_next& text, const int64_t* units, void* before, void* after, const Drawing* drawing);
// The states' addresses, in the layers' calls.
void put_states(const elman_next& text, void* before, void* after);

}  // namespace elman
