// A program through time.
#pragma once

#include "program.h"
#include "rows.h"

namespace elman {

template <class T>
void scan(const Program& program, const elman_call& call, const Kernels<T>& kernels);

template <class T>
int64_t packed_elements(const Program& program, const Kernels<T>& kernels);

template <class T>
int64_t tape_elements(const Program& program, const elman_call& call);

}  // namespace elman
