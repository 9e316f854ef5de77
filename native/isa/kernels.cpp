// One instruction set: this file is compiled once for each, with ELMAN_ISA its name and the compiler told to use it.
// Nothing here may instantiate a standard-library template: the linker keeps one copy of those for the whole library.
#include "additive.h"
#include "eight.h"
#include "outer.h"
#include "pointwise.h"
#include "unpacked.h"

#define ELMAN_JOIN_(a, b) a##b
#define ELMAN_JOIN(a, b) ELMAN_JOIN_(a, b)

namespace elman {
namespace {

template <class T>
constexpr Kernels<T> table() {  // in the order of struct Kernels
    return {panel_of<T>,   block_of<T>, tile_rows, packed_size<T>, pack<T>, multiply<T>,
            multiply_unpacked<T>, pack_strips<T>, outer<T>,    column_sum<T>, pointwise<T>,
            additive<T>, additive_back<T>, eight_bytes<T>, pack_eight<T>, multiply_eight<T>};
}

}  // namespace

extern const Kernels<float> ELMAN_JOIN(f32_, ELMAN_ISA) = table<float>();
extern const Kernels<double> ELMAN_JOIN(f64_, ELMAN_ISA) = table<double>();

}  // namespace elman
