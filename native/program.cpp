// Words -> Program. The order of sections is that of engines/program.py.
#include "program.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "checks.h"
#include "opcodes.h"

namespace elman {

namespace {

constexpr long most_width = 1L << 30;

class Reader {
public:
    Reader(const int64_t* words, size_t count) : at_(words), end_(words + count) {}

    long next() {
        if (at_ == end_) throw std::invalid_argument("program ends early");
        return long(*at_++);
    }
    int index(size_t below, bool may_miss = false) {
        const long i = next();
        if (i >= long(below) || i < (may_miss ? -1 : 0)) throw std::invalid_argument("index " + std::to_string(i) + " out of range");
        return int(i);
    }
    long width() {
        const long w = next();
        if (w < 1 || w > most_width) throw std::invalid_argument("width " + std::to_string(w));
        return w;
    }
    double number() {
        const int64_t word = next();
        double v;
        std::memcpy(&v, &word, sizeof v);
        return v;
    }
    size_t size() {
        const long n = next();
        if (n < 0 || n > end_ - at_) throw std::invalid_argument("a list of " + std::to_string(n));
        return size_t(n);
    }
    template <class F>
    void list(F item) {
        for (size_t n = size(); n > 0; n--) item();
    }
    long left() const { return long(end_ - at_); }
    bool done() const { return at_ == end_; }

private:
    const int64_t *at_, *end_;
};

void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

Buffer read_buffer(Reader& r, const Program& p) {
    Buffer b{};
    b.home = Home(r.index(size_t(Home::carry_out) + 1));
    b.width = r.width();
    switch (b.home) {
        case Home::tape: b.index = r.index(p.tape.size()); require(p.tape[b.index] == b.width, "width of a tape plane"); break;
        case Home::before:
        case Home::after: b.index = r.index(p.states.size()); require(p.states[b.index].width == b.width, "width of a state"); break;
        case Home::vector:
            b.index = r.index(p.vectors.size());
            for (int v : p.vectors[b.index]) require(p.parameters[v].n == b.width, "width of a vector");
            break;
        case Home::constant: b.index = r.index(p.constants.size()); break;
        case Home::carry_in:
        case Home::carry_out: b.index = r.index(p.carries.size()); require(p.carries[b.index].width == b.width, "width of a carry"); break;
        default: b.index = int(r.next());
    }
    b.outside = r.index(p.tensors.size(), true);
    require(b.outside < 0 || (b.home == Home::chunk && p.tensors[b.outside] == b.width), "a buffer outside");
    return b;
}

void read_pointwise(Reader& r, Program& p, Operation& o) {
    o.width = r.width();
    const long most = r.left();  // block registers: each has a slot, and a slot two words
    r.list([&] {
        Slot s{};
        const long buffer = r.next();
        require(buffer < long(p.buffers.size()) && buffer >= -most, "slot");
        s.buffer = int(buffer);
        s.kind = SlotKind(r.index(4));
        const bool fixed = s.buffer < 0 || p.buffers[s.buffer].home == Home::constant;  // the same in every block
        require(fixed == (s.kind == SlotKind::reg), "slot kind");
        if (s.kind == SlotKind::vector) require(p.buffers[s.buffer].home == Home::vector && p.buffers[s.buffer].width == o.width, "width of a vector");
        p.registers = std::max(p.registers, -s.buffer);
        if (s.kind == SlotKind::plane) require(p.buffers[s.buffer].width == o.width, "width of a plane");
        if (s.kind == SlotKind::column) require(p.buffers[s.buffer].width == 1, "width of a column");
        o.slots.push_back(s);
        o.kinds.push_back(s.kind);
    });
    p.slots = std::max(p.slots, int(o.slots.size()));
    r.list([&] {
        Instruction i{};
        i.op = r.index(size_t(Op::rowsum) + 1);
        i.d = r.index(o.slots.size());
        i.a = r.index(o.slots.size());
        i.b = r.index(o.slots.size());
        i.c = r.index(o.slots.size());
        i.narrow = r.index(2);
        i.immediate = r.number();
        o.alone |= o.slots[i.d].kind == SlotKind::column;
        o.code.push_back(i);
    });
}

Operation read_operation(Reader& r, Program& p) {
    Operation o{};
    o.kind = Kind(r.index(size_t(Kind::column_sum) + 1));
    o.scope = Scope(r.index(size_t(Scope::end) + 1));
    o.sync = r.index(2);
    const auto buffer = [&] { return r.index(p.buffers.size()); };
    switch (o.kind) {
        case Kind::gather:
        case Kind::scatter:
            o.tensor = r.index(p.tensors.size());
            o.buffer = buffer();
            require(p.tensors[o.tensor] == p.buffers[o.buffer].width, "width of a tensor");
            break;
        case Kind::multiply: {
            o.buffer = buffer();
            o.start = Start(r.index(3));
            o.vector = r.index(p.buffers.size(), true);
            require((o.start == Start::vector) == (o.vector >= 0), "a product starts from a vector");
            const long n = p.buffers[o.buffer].width;
            if (o.vector >= 0) require(p.buffers[o.vector].home == Home::vector && p.buffers[o.vector].width == n, "vector");
            r.list([&] {
                Factor f{};
                f.matrix = r.index(p.packed.size());
                f.buffer = buffer();
                require(p.packed_n(p.packed[f.matrix]) == n, "rows of a matrix");
                require(p.packed_k(p.packed[f.matrix]) == p.buffers[f.buffer].width, "columns of a matrix");
                o.factors.push_back(f);
            });
            require(!o.factors.empty() && o.factors.size() <= 32, "terms of a product");
            break;
        }
        case Kind::pointwise: read_pointwise(r, p, o); break;
        case Kind::strips:
            o.buffer = buffer();
            o.parameter = r.index(p.strips.size());
            require(p.strips[o.parameter] == p.buffers[o.buffer].width, "width of strips");
            break;
        case Kind::outer:
            require(o.scope == Scope::end, "a gradient is summed at the end of a chunk");
            o.buffer = buffer();
            r.list([&] {
                Factor f{};
                f.matrix = r.index(p.strips.size());
                f.buffer = r.index(p.parameters.size());
                const Parameter& g = p.parameters[f.buffer];
                require(g.matrix && g.n == p.strips[f.matrix] && g.k == p.buffers[o.buffer].width, "shape of a gradient");
                f.first = !g.outer;
                p.parameters[f.buffer].outer = true;
                o.factors.push_back(f);
            });
            break;
        case Kind::column_sum:
            o.buffer = buffer();
            o.parameter = r.index(p.parameters.size());
            require(p.parameters[o.parameter].size() == p.buffers[o.buffer].width, "shape of a gradient");
            break;
    }
    return o;
}

void find_distant(Program& p) {
    for (const Operation& o : p.operations)
        if (o.kind == Kind::pointwise && o.scope == Scope::step)
            for (const Slot& s : o.slots)
                if (s.kind == SlotKind::plane && s.buffer >= 0 && std::find(p.distant.begin(), p.distant.end(), s.buffer) == p.distant.end())
                    p.distant.push_back(s.buffer);
}

}  // namespace

Program read_program(const int64_t* words, size_t count, bool is_double, Products products, const InstructionSet& set) {
    Reader r(words, count);
    Program p;
    p.is_double = is_double;
    p.eight = products == Products::eight;
    if (products == Products::half) p.halves = halves(set);
    p.back = r.index(2);
    require(products >= Products::full && products <= Products::half, "products of no kind");
    require(!(p.back && p.eight), "the way back by matrices in 8 bits");
    require(products != Products::half || !is_double, "double precision by products of bfloat16");
    require(products != Products::half || p.halves, "bfloat16, which this processor does not multiply");
    r.list([&] {
        const bool matrix = r.index(2);
        const long n = r.width(), k = r.width();
        p.parameters.push_back({matrix, n, k});
    });
    r.list([&] {
        const int parameter = r.index(p.parameters.size());
        p.packed.push_back({parameter, bool(r.index(2))});
    });
    r.list([&] { p.tensors.push_back(r.width()); });
    r.list([&] {
        State s{};
        s.width = r.width();
        s.kept = r.index(2);
        s.initial = r.index(p.tensors.size(), true);
        s.final = r.index(p.tensors.size(), true);
        s.outside = r.index(p.tensors.size(), true);
        require(s.outside < 0 || p.tensors[s.outside] == s.width, "width of a state outside");
        p.states.push_back(s);
    });
    r.list([&] { p.tape.push_back(r.width()); });
    r.list([&] {
        p.vectors.emplace_back();
        r.list([&] { p.vectors.back().push_back(r.index(p.parameters.size())); });
    });
    r.list([&] { p.constants.push_back(r.number()); });
    r.list([&] {
        Carry c{};
        c.width = r.width();
        c.arriving = r.index(p.tensors.size(), true);
        c.leaving = r.index(p.tensors.size(), true);
        p.carries.push_back(c);
    });
    r.list([&] { p.buffers.push_back(read_buffer(r, p)); });
    r.list([&] { p.strips.push_back(r.width()); });
    r.list([&] { p.operations.push_back(read_operation(r, p)); });
    require(r.done(), "words after the program's end");
    check_program(p);
    find_distant(p);
    return p;
}

}  // namespace elman
