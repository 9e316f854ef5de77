#include "handles.h"

#include <cstring>
#include <type_traits>

#include "checks.h"

namespace elman {

int64_t packed_bytes(const elman_program& p) {
    return typed(p, [&](auto zero, const auto& kernels) { return int64_t(sizeof zero) * packed_elements(p.program, kernels); });
}

void check_call(const elman_program& p, const elman_call& call) {
    check_sizes(call);
    check_memory(p.program, call);
    if (p.program.eight && !call.packed && !call.pack) throw std::invalid_argument("matrices in 8 bits have to be packed");
    if (call.packed) check_room(call.packed, call.packed_bytes, packed_bytes(p), "room for packed matrices");
}

}  // namespace elman

elman_prepared::elman_prepared(const elman_program& program, const elman_call& call) : of_(program), call_(call), first_(call) {
    elman::check_call(program, call);
    if (program.program.is_double)
        f64_ = std::make_unique<elman::Run<double>>(program.program, call, *program.set->f64);
    else
        f32_ = std::make_unique<elman::Run<float>>(program.program, call, *program.set->f32);
}

void elman_prepared::check() const {
    static_assert(std::has_unique_object_representations_v<elman_call>, "compared byte by byte");
    elman_call now = call_;
    now.pack = first_.pack;
    if (std::memcmp(&now, &first_, sizeof now)) throw std::invalid_argument("a prepared call has changed");
    if (call_.pack && !first_.pack && !call_.packed) throw std::invalid_argument("a prepared call has no room to pack to");
    elman::check_memory(of_.program, call_);
}
