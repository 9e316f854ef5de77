// Products of bfloat16 for one instruction set, compiled as kernels.cpp is.
#include "halves.h"

#define ELMAN_JOIN_(a, b) a##b
#define ELMAN_JOIN(a, b) ELMAN_JOIN_(a, b)

namespace elman {

extern const Halves ELMAN_JOIN(halves_, ELMAN_ISA) = {pack_halves, round_rows, multiply<float, Halved>, pack_strips_halves, outer_halves};

}  // namespace elman
