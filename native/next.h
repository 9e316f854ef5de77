// What comes next in texts: embedding, layers, softmax and a draw, see elman.h.
#pragma once

#include "elman.h"
#include "kernels.h"

namespace elman {

// Throw std::invalid_argument for what makes no sense, and std::runtime_error where a layer does not run.
void next(const elman_next& text, const InstructionSet& set, const int64_t* units, void* before, void* after);
int64_t draw(const elman_next& text, const InstructionSet& set, const elman_draws& how, int64_t unit, void* one, void* other,
             const double* chances, int64_t count, int64_t* units, double* log_probs);

}  // namespace elman
