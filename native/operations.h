// What each kind of operation does to a part's buffers, by one thread or a team that deals columns among its members.
#pragma once

#include <cstring>
#include <type_traits>

#include "places.h"
#include "waiting.h"

namespace elman {

template <class T>
void copy(T* to, const std::common_type_t<T>* from, long n) {  // zeros where there is nothing to copy
    if (from)
        std::memcpy(to, from, n * sizeof(T));
    else
        std::memset(to, 0, n * sizeof(T));
}

// One member of the team that runs a part.
template <class T>
struct Member {
    int rank, team;
    Barrier* barrier;
    T *registers, *room, *rounded;
    T** places;  // of the slots of a pointwise operation: where each value begins, and where its block does
    Chunk chunk{0, 0};
    bool fresh = true;  // in the first chunk: nothing has been added to the gradients yet
    long t = 0;

    void wait() { barrier->wait(team); }
    // This member's share of n things.
    long first(long n) const { return n * rank / team; }
    long last(long n) const { return n * (rank + 1) / team; }
};

template <class T>
class Operations : public Places<T> {
public:
    using Places<T>::Places;

    // What each thread has for itself: block registers, room for an outer product, places of slots.
    static long private_elements(const Program& p, const Kernels<T>& k) {
        return p.registers * k.block + k.panel * chunk_rows + rounded_elements(p) + 2 * p.slots * long(sizeof(T*) / sizeof(T));
    }
    static Member<T> member(const Program& p, const Kernels<T>& k, int rank, int team, Barrier& barrier, T* memory) {
        T* const room = memory + p.registers * k.block;
        T* const rounded = room + k.panel * chunk_rows;
        return {rank, team, &barrier, memory, room, rounded, reinterpret_cast<T**>(rounded + rounded_elements(p))};
    }

protected:
    // Rows of the factors of a product, rounded to bfloat16, for as many of its rows as are made at a time.
    static long rounded_elements(const Program& p) {
        long most = 0;
        if (p.halves)
            for (const Operation& o : p.operations) {
                long wide = 0;
                for (const Factor& f : o.factors)
                    if (o.kind == Kind::multiply) wide += pairs(depth(p.buffers[f.buffer].width));
                most = std::max(most, wide);
            }
        return (most * rounded_rows + 1) / 2 * 2;  // places of slots follow, of 8 bytes
    }

    using Places<T>::s_;
    using Places<T>::p_;
    using Places<T>::part_;
    using M = Member<T>;

    long chunk_start(const M& m) const { return part_.offset[m.chunk.from]; }
    long rows_in(const Chunk& c) const { return part_.offset[c.to - 1] + part_.running[c.to - 1] - part_.offset[c.from]; }
    T* at(int buffer, const M& m, long t) const { return Places<T>::at(buffer, m.chunk, t); }

    void perform(M& m, Scope scope) {
        for (const Operation& o : p_.operations) {
            if (o.scope != scope) continue;
            if (o.sync) m.wait();
            if (scope == Scope::step)
                perform(m, o, scope, m.t, part_.running[m.t]);
            else if (scope == Scope::start)
                perform(m, o, scope, -1, part_.starting());
            else if (by_steps(m, o))
                for (long t = m.chunk.from; t < m.chunk.to; t++) perform(m, o, scope, t, part_.running[t]);
            else
                perform(m, o, scope, -1, rows_in(m.chunk));
        }
        m.wait();
    }

private:
    void perform(M& m, const Operation& o, Scope scope, long t, long rows) {
        switch (o.kind) {
            case Kind::gather: gather(m, o, scope); break;
            case Kind::scatter: scatter(m, o); break;
            case Kind::multiply: multiply(m, o, scope, t, rows); break;
            case Kind::pointwise: pointwise(m, o, t, rows); break;
            case Kind::strips: strips(m, o, rows); break;
            case Kind::outer: outer(m, o, rows); break;
            case Kind::column_sum:
                if (T* g = this->gradient(o.parameter); g && m.rank == 0) s_.kernels.column_sum(at(o.buffer, m, -1), rows, p_.buffers[o.buffer].width, g);
                break;
        }
    }

    // Whether an operation over a chunk has to take its steps one by one, since the rows of a buffer lie apart.
    bool by_steps(const M& m, const Operation& o) const {
        const auto apart = [&](int buffer) { return buffer >= 0 && this->Places<T>::apart(buffer, m.chunk); };
        if (o.kind == Kind::multiply)
            return apart(o.buffer) || std::any_of(o.factors.begin(), o.factors.end(), [&](const Factor& f) { return apart(f.buffer); });
        if (o.kind == Kind::pointwise) return std::any_of(o.slots.begin(), o.slots.end(), [&](const Slot& s) { return apart(s.buffer); });
        return false;
    }

    void gather(M& m, const Operation& o, Scope scope) {
        const long width = p_.tensors[o.tensor];
        const bool missing = !s_.tensor(o.tensor);
        if (this->outside(o.buffer)) return;
        T* to = at(o.buffer, m, -1);
        if (scope == Scope::start) {
            if (m.rank == 0)
                for (long r = 0; r < part_.starting(); r++, to += width) copy(to, missing ? nullptr : this->tensor_row(o.tensor, r, 0), width);
            return;
        }
        const long base = chunk_start(m), steps = m.chunk.to - m.chunk.from;
        for (long t = m.chunk.from + m.first(steps), end = m.chunk.from + m.last(steps); t < end; t++)
            for (long r = 0; r < part_.running[t]; r++)
                copy(to + (part_.offset[t] - base + r) * width, missing ? nullptr : this->tensor_row(o.tensor, r, part_.time(r, t, s_.call.reverse)), width);
    }

    void scatter(M& m, const Operation& o) {
        const long width = p_.tensors[o.tensor];
        const Buffer& b = p_.buffers[o.buffer];
        if (!s_.tensor(o.tensor) || this->outside(o.buffer)) return;
        if (b.home == Home::after && p_.states[b.index].outside == o.tensor && this->state_outside(b.index)) return;
        const long steps = m.chunk.to - m.chunk.from;
        for (long t = m.chunk.from + m.first(steps), end = m.chunk.from + m.last(steps); t < end; t++) {
            const T* from = at(o.buffer, m, t);
            for (long r = 0; r < part_.running[t]; r++) copy(this->tensor_row(o.tensor, r, part_.time(r, t, s_.call.reverse)), from + r * width, width);
        }
    }

    void multiply(M& m, const Operation& o, Scope scope, long t, long rows) {
        if (p_.eight) return multiply_eight(m, o, t, rows);
        if (s_.panels.empty()) return multiply_unpacked(m, o, t, rows);
        if constexpr (std::is_same_v<T, float>)
            if (p_.halves) return multiply_halves(m, o, scope, t, rows);
        const long n = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, n);
        Ahead ahead;
        const bool fetch = p_.back && scope == Scope::step && m.team == 1 && t > 0;
        if (fetch) next_step(ahead, m, t - 1);
        bool more = true;
        for (long piece = 0; more; piece++) {
            Term<T> terms[32];
            int count = 0;
            more = false;
            for (const Factor& f : o.factors) {
                const long k = p_.buffers[f.buffer].width, deep = depth(k), from = piece * deep;
                if (from >= k) continue;
                terms[count++] = {at(f.buffer, m, t) + from, k, s_.panels[f.matrix] + from * panels * s_.kernels.panel, std::min(deep, k - from)};
                more = more || from + deep < k;
            }
            s_.kernels.multiply(terms, count, rows, n, at(o.buffer, m, t), n, piece ? Start::add : o.start, o.vector < 0 ? nullptr : at(o.vector, m, t),
                                m.first(panels), m.last(panels), fetch ? &ahead : nullptr);
        }
    }

    // The same of numbers rounded to bfloat16. A team's members each round what they read: that is a few parts in a hundred.
    void multiply_halves(M& m, const Operation& o, Scope scope, long t, long rows) {
        const long n = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, n), first = m.first(panels), last = m.last(panels);
        if (first == last) return;
        Ahead ahead;
        const bool fetch = p_.back && scope == Scope::step && m.team == 1 && t > 0;
        if (fetch) next_step(ahead, m, t - 1);
        bool more = true;
        for (long piece = 0; more; piece++) {
            more = false;
            for (long r = 0; r < rows; r += rounded_rows) {
                const long some = std::min(rounded_rows, rows - r);
                Term<float> terms[32];
                int count = 0;
                float* to = m.rounded;
                for (const Factor& f : o.factors) {
                    const long k = p_.buffers[f.buffer].width, deep = depth(k), from = piece * deep;
                    if (from >= k) continue;
                    const long wide = std::min(deep, k - from), held = pairs(wide);
                    p_.halves->round(at(f.buffer, m, t) + r * k + from, k, some, wide, to);
                    terms[count++] = {to, held, s_.panels[f.matrix] + piece * pairs(deep) * panels * s_.kernels.panel, held};
                    to += some * held;
                    more = more || from + deep < k;
                }
                p_.halves->multiply(terms, count, some, n, at(o.buffer, m, t) + r * n, n, piece ? Start::add : o.start,
                                    o.vector < 0 ? nullptr : at(o.vector, m, t), first, last, fetch ? &ahead : nullptr);
            }
        }
    }

    void multiply_unpacked(M& m, const Operation& o, long t, long rows) {
        const long n = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, n);
        Start start = o.start;
        for (const Factor& f : o.factors) {
            const Packed& packed = p_.packed[f.matrix];
            const long k = p_.buffers[f.buffer].width, along = p_.parameters[packed.parameter].k;
            s_.kernels.multiply_unpacked(at(f.buffer, m, t), k, rows, static_cast<const T*>(s_.call.parameters[packed.parameter]), n, k,
                                         packed.transposed ? 1 : along, packed.transposed ? along : 1, at(o.buffer, m, t), n, start,
                                         o.vector < 0 ? nullptr : at(o.vector, m, t), m.first(panels), m.last(panels));
            start = Start::add;
        }
    }

    void multiply_eight(M& m, const Operation& o, long t, long rows) {
        const long n = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, n);
        Start start = o.start;
        for (const Factor& f : o.factors) {
            const long k = p_.buffers[f.buffer].width;
            s_.kernels.multiply_eight(at(f.buffer, m, t), k, rows, s_.panels[f.matrix], n, k, at(o.buffer, m, t), n, start,
                                      o.vector < 0 ? nullptr : at(o.vector, m, t), m.first(panels), m.last(panels));
            start = Start::add;
        }
    }

    // What the elementwise part of a step back will read: memory last touched when that step went forward.
    void next_step(Ahead& ahead, const M& m, long t) const {
        for (int buffer : p_.distant)
            if (this->distant(buffer)) ahead.add(at(buffer, m, t), part_.running[t] * p_.buffers[buffer].width * long(sizeof(T)));
    }

    void pointwise(M& m, const Operation& o, long t, long rows) {
        T** const base = m.places;
        for (size_t i = 0; i < o.slots.size(); i++)
            base[i] = o.slots[i].buffer < 0 ? m.registers + (-1 - o.slots[i].buffer) * s_.kernels.block : at(o.slots[i].buffer, m, t);
        long first = 0, last = o.width;
        if (m.team > 1) {
            if (o.alone) {
                if (m.rank) return;
            } else {  // the columns that this member's share of a product makes
                const long panel = s_.kernels.panel, panels = panels_of(s_.kernels, o.width);
                first = std::min(o.width, m.first(panels) * panel), last = std::min(o.width, m.last(panels) * panel);
                if (first == last) return;
            }
        }
        s_.kernels.pointwise(o.code.data(), int(o.code.size()), base, base + o.slots.size(), o.kinds.data(), int(o.slots.size()), rows, o.width,
                             first, last);
    }

    // Weight gradients take at most chunk_rows rows at a time, so that a panel of V stays in the first-level cache.
    template <class F>
    void each_block(long rows, F f) const {
        for (long r = 0; r < rows; r += chunk_rows) f(r, std::min(chunk_rows, rows - r));
    }

    void strips(M& m, const Operation& o, long rows) {
        const long width = p_.buffers[o.buffer].width;
        const T* d = at(o.buffer, m, -1);
        T* to = Places<T>::strips(o.parameter);
        if (o.parameter % m.team == m.rank)
            each_block(rows, [&](long r, long n) { packs_strips()(d + r * width, n, width, to + r * width); });
    }

    auto packs_strips() const {
        if constexpr (std::is_same_v<T, float>)
            if (halved()) return p_.halves->pack_strips;
        return s_.kernels.pack_strips;
    }
    auto makes_outer() const {
        if constexpr (std::is_same_v<T, float>)
            if (halved()) return p_.halves->outer;
        return s_.kernels.outer;
    }
    // A call of few rows is made in single precision altogether.
    bool halved() const { return p_.halves && !s_.panels.empty(); }

    void outer(M& m, const Operation& o, long rows) {
        const long k = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, k);
        const Rows<T> v = rows_of(m, o.buffer, rows);
        each_block(rows, [&](long r, long n) {
            Gradient<T> some[8];  // as many as are made of one reading of V
            int count = 0;
            const auto make = [&] { makes_outer()(some, count, v, r, n, k, m.room, m.first(panels), m.last(panels)), count = 0; };
            for (const Factor& f : o.factors)
                if (T* g = this->gradient(f.buffer)) {
                    const long width = p_.strips[f.matrix];
                    some[count++] = {Places<T>::strips(f.matrix) + r * width, width, g, !(m.fresh && f.first && r == 0)};
                    if (count == 8) make();
                }
            if (count) make();
        });
    }

    // The chunk's rows of a buffer, brought together first where they lie in stretches of unequal length.
    Rows<T> rows_of(M& m, int buffer, long rows) {
        const Buffer& b = p_.buffers[buffer];
        const T* first = at(buffer, m, m.chunk.from);
        const bool state = b.home == Home::before && !(this->state_outside(b.index));
        const T* end = at(buffer, m, m.chunk.to - 1) + part_.running[m.chunk.to - 1] * b.width;
        const bool gaps = b.home == Home::row || (state && end - first != rows * b.width) || (this->apart(buffer, m.chunk) && b.home == Home::before && m.chunk.from == 0);
        if (gaps) {
            T* stage = this->stage();
            m.wait();
            if (m.rank == 0)
                for (long t = m.chunk.from; t < m.chunk.to; t++)
                    std::memcpy(stage + (part_.offset[t] - chunk_start(m)) * b.width, b.home == Home::row ? first : at(buffer, m, t), part_.running[t] * b.width * sizeof(T));
            m.wait();
            return {stage, b.width, rows, 0};
        }
        if (this->apart(buffer, m.chunk)) return {first, b.width, part_.starting(), this->step(buffer)};
        return {first, b.width, rows, 0};
    }
};

}  // namespace elman
