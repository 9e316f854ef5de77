// The operations of the block machine. Their numbers are part of the interface with engines/words.py, whose list is
// compared with this one, through elman_operations(), when the library is loaded.
#pragma once

#define ELMAN_OPERATIONS(_)                                                                                          \
    _(copy) _(sigmoid) _(tanh) _(relu) _(exp) _(log) _(softplus) _(sqrt) _(square) _(abs) _(sign) _(neg)             \
    _(add) _(sub) _(mul) _(div) _(minimum) _(maximum) _(lt) _(le) _(gt) _(ge) _(eq) _(where)                         \
    _(mul_add) _(mul_sub) _(sub_mul) _(d_sigmoid) _(d_tanh) _(pow) _(spread) _(mul_number) _(add_number) _(sub_number) _(mul_add_number) _(rowdot) _(rowsum)

namespace elman {

enum class Op : int {
#define ELMAN_NAME(name) name,
    ELMAN_OPERATIONS(ELMAN_NAME)
#undef ELMAN_NAME
};

}  // namespace elman
