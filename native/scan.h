// A program through time.
#pragma once

#include <memory>

#include "program.h"
#include "rows.h"

namespace elman {

// One call, prepared: its rows dealt, its memory laid out. May run again after the addresses in call.tensors and
// call.pack have changed; nothing else may, and neither may the vector parameters.
template <class T>
class Run {
public:
    Run(const Program& program, const elman_call& call, const Kernels<T>& kernels);
    ~Run();
    void operator()();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

template <class T>
int64_t packed_elements(const Program& program, const Kernels<T>& kernels);

template <class T>
int64_t tape_elements(const Program& program, const elman_call& call);

}  // namespace elman
