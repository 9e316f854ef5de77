// The additive score of attention, see elman.h.
#pragma once

#include "elman.h"
#include "kernels.h"

namespace elman {

// Throws std::invalid_argument for sizes that make no sense, and where an address is missing.
void additive(const elman_additive_call& call, const InstructionSet& set);

}  // namespace elman
