#include "checks.h"

#include <stdexcept>
#include <string>

#include "opcodes.h"

namespace elman {

namespace {

void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

constexpr int64_t most_rows = int64_t(1) << 31;  // with read_program's bound of a width, products of the two stay in 64 bits
constexpr int64_t most_elements = int64_t(1) << 58;  // their bytes stay in 64 bits

// The same for all rows: a buffer that is read only, and not by rows.
bool fixed(Home home) { return home == Home::vector || home == Home::constant; }

// Whether an operation of this scope finds its rows in a home: those of a chunk, or no more than a step has.
bool holds(Home home, Scope scope) {
    const bool chunk = home == Home::tape || home == Home::before || home == Home::after || home == Home::chunk;
    return chunk || (scope == Scope::step && !fixed(home));
}

// Operands of an instruction: how many it reads; which of them are whole rows even where d is a number a row, and the
// other way round.
struct Operands {
    int count;
    bool wide_d = true, wide_a = true, wide_b = true;
};
Operands operands(Op op) {
    switch (op) {
        case Op::copy: case Op::sigmoid: case Op::tanh: case Op::relu: case Op::exp: case Op::log: case Op::softplus: case Op::sqrt:
        case Op::square: case Op::abs: case Op::sign: case Op::neg: case Op::pow: return {1};
        case Op::spread: return {1, true, false};
        case Op::rowsum: return {1, false};
        case Op::rowdot: return {2, false};
        case Op::mul_number: case Op::add_number: case Op::sub_number: return {2, true, true, false};
        case Op::mul_add_number: return {3, true, true, false};
        case Op::where: case Op::mul_add: case Op::mul_sub: case Op::sub_mul: case Op::d_sigmoid: case Op::d_tanh: return {3};
        default: return {2};
    }
}

void check_pointwise(const Program& p, const Operation& o) {
    for (const Slot& s : o.slots) {
        if (s.buffer < 0) continue;
        const Home home = p.buffers[s.buffer].home;
        require((home == Home::vector) == (s.kind == SlotKind::vector), "slot of a vector");
        require(fixed(home) || holds(home, o.scope), "rows of a slot");
    }
    for (const Instruction& i : o.code) {
        const Operands reads = operands(Op(i.op));
        const bool rows = !i.narrow || !(reads.wide_d && reads.wide_a && reads.wide_b);  // these know no narrow form
        const auto fits = [&](int slot, bool wide) { return !(wide && rows) || o.slots[slot].kind != SlotKind::column || o.width == 1; };
        const Slot& to = o.slots[i.d];
        require(to.buffer < 0 || !fixed(p.buffers[to.buffer].home), "an instruction writes to what is fixed");
        require(fits(i.d, reads.wide_d) && fits(i.a, reads.wide_a), "a row in a number's place");
        require(reads.count < 2 || fits(i.b, reads.wide_b), "a row in a number's place");
        require(reads.count < 3 || fits(i.c, true), "a row in a number's place");
    }
}

void check_operation(const Program& p, const Operation& o) {
    const auto home = [&](int buffer) { return p.buffers[buffer].home; };
    const auto of_chunk = [&](int buffer) { return home(buffer) == Home::chunk || home(buffer) == Home::tape; };
    require(o.kind == Kind::gather || o.scope != Scope::start, "an operation before the first step");
    switch (o.kind) {
        case Kind::gather:
            require(o.scope == Scope::start || o.scope == Scope::begin, "scope of a gather");
            require(o.scope == Scope::begin ? of_chunk(o.buffer) : home(o.buffer) == Home::row, "rows of a gather");
            break;
        case Kind::scatter: require(o.scope == Scope::end && !fixed(home(o.buffer)), "rows of a scatter"); break;
        case Kind::multiply:
            require(holds(home(o.buffer), o.scope), "rows of a product");
            for (const Factor& f : o.factors) require(holds(home(f.buffer), o.scope), "rows of a factor");
            break;
        case Kind::pointwise: check_pointwise(p, o); break;
        case Kind::strips:
        case Kind::column_sum: require(o.scope == Scope::end && of_chunk(o.buffer) && p.buffers[o.buffer].outside < 0, "rows of deltas"); break;
        case Kind::outer:
            require(o.scope == Scope::end && (holds(home(o.buffer), o.scope) || home(o.buffer) == Home::row), "rows of a gradient");
            break;
    }
}

}  // namespace

void check_program(const Program& p) {
    const auto tensor = [&](int i, long width, const char* what) { require(i < 0 || p.tensors[i] == width, what); };
    for (const State& s : p.states) tensor(s.initial, s.width, "width of a first state"), tensor(s.final, s.width, "width of a last state");
    for (const Carry& c : p.carries) tensor(c.arriving, c.width, "width of a gradient"), tensor(c.leaving, c.width, "width of a gradient");
    for (const auto& v : p.vectors) {
        require(!v.empty(), "a vector of nothing");
        for (int q : v) require(p.parameters[q].n == p.parameters[v[0]].n, "width of a vector");
    }
    for (const Operation& o : p.operations) check_operation(p, o);
}

void check_sizes(const elman_call& c) {
    require(c.steps >= 1 && c.batch >= 1, "an empty batch");
    require(c.steps <= most_rows && c.batch <= most_rows / c.steps, "too many time steps and sequences");
    require(c.parts >= 1 && c.parts <= c.batch && c.team >= 1 && c.parts <= 65536 / c.team, "parts or team");
    require(c.bptt >= 0, "blocks of truncated BPTT");
    if (c.lengths)
        for (int64_t b = 0; b < c.batch; b++) require(c.lengths[b] >= 1 && c.lengths[b] <= c.steps, "a length outside 1..T");
}

void check_memory(const Program& p, const elman_call& c) {
    require(p.tensors.empty() || (c.tensors && c.by_time && c.by_row && c.extents), "a call without its tensors");
    require(p.parameters.empty() || (c.parameters && c.parameter_extents), "a call without its parameters");
    const auto named = [](const char* what, size_t i) { return std::string(what) + " " + std::to_string(i); };
    for (size_t i = 0; i < p.tensors.size(); i++) {
        const int64_t there = c.extents[i];
        if (!c.tensors[i] && there == 0) continue;  // not given
        const auto reaches = [&](int64_t stride, int64_t n) {  // elements before the last of n
            if (n == 1) return int64_t(0);
            if (stride < 0 || stride > there / (n - 1)) return there;  // with the width that follows: too far
            return stride * (n - 1);
        };
        const int64_t before = reaches(c.by_time[i], c.steps), wanted = reaches(c.by_row[i], c.batch) + p.tensors[i];
        if (!c.tensors[i] || there < before || there - before < wanted)
            throw std::invalid_argument(named("tensor", i) + " is smaller than the program needs");
    }
    for (const State& s : p.states)  // is worked on where it lies, whatever its strides
        if (const int i = s.outside; i >= 0)
            require(c.tensors[i] && (c.batch == 1 || c.by_row[i] == s.width) && (c.steps == 1 || c.by_time[i] == c.batch * s.width),
                    "the states after each step do not lie side by side");
    for (size_t i = 0; i < p.parameters.size(); i++)
        if (!c.parameters[i] || c.parameter_extents[i] < p.parameters[i].size())
            throw std::invalid_argument(named("parameter", i) + " is smaller than the program needs");
}

int64_t product(std::initializer_list<int64_t> sizes, const char* what) {
    int64_t found = 1;
    for (int64_t size : sizes) {
        if (size < 1 || size > most_elements / found) throw std::invalid_argument(std::string("a size of ") + what + " is out of range");
        found *= size;
    }
    return found;
}

void Apart::require(bool condition, const char* before, const char* behind) const {
    if (!condition) throw std::invalid_argument(std::string(before) + whose_ + behind);
}

void Apart::add(const void* at, int64_t count, int64_t element, bool written) {
    if (!count) return;
    const auto address = reinterpret_cast<uintptr_t>(at);
    require(address && address % uintptr_t(element) == 0, "an address of ", " is none of its numbers");
    const uintptr_t bytes = uintptr_t(count) * uintptr_t(element);
    require(address + bytes > address, "memory of ", " that goes on past the end of all");
    for (const Stretch& s : stretches_)
        require(!(written || s.written) || address + bytes <= s.from || address >= s.to, "what ", " writes overlaps what it reads or writes");
    stretches_.push_back({address, address + bytes, written});
}

void check_room(const void* at, int64_t there, int64_t wanted, const char* what) {
    if (wanted > 0 && (!at || there < wanted)) throw std::invalid_argument(std::string(what) + " is smaller than the program needs");
}

}  // namespace elman
