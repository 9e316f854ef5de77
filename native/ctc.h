// Connectionist temporal classification (Graves et al. 2006), see elman.h.
#pragma once

#include "elman.h"

namespace elman {

// Throws std::invalid_argument for sizes that make no sense, and where an address is missing.
void ctc(const elman_ctc_call& call);

}  // namespace elman
