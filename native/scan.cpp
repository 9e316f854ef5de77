#include "scan.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "arena.h"
#include "memory.h"
#include "threads.h"

namespace elman {

namespace {

// What all parts share in one call.
template <class T>
struct Shared {
    const Program& program;
    const elman_call& call;
    const Kernels<T>& kernels;
    std::vector<const T*> panels;   // packed matrices
    std::vector<const T*> vectors;  // repeated to fill a block
    std::vector<const T*> constants;

    T* tensor(int i) const { return i < 0 ? nullptr : static_cast<T*>(call.tensors[i]); }
};

// One part of the batch through all steps: by one thread, or by a team that deals columns among its members.
template <class T>
class Scan {
public:
    Scan(const Shared<T>& shared, const Part& part, Layout& tape, Layout& work, bool own_gradients)
        : s_(shared), p_(shared.program), part_(part), own_gradients_(own_gradients) {
        tape_places_ = place_tape(p_, part, tape);
        for (const State& state : p_.states)
            state_places_.push_back(state.kept ? -1 : work.place((part.starting() + part.chunk_rows) * state.width));
        for (const Buffer& b : p_.buffers) {
            const long rows = b.home == Home::chunk  ? part.chunk_rows
                              : b.home == Home::step ? part.starting()
                              : b.home == Home::row  ? part.starting()
                                                     : 0;
            places_.push_back(rows ? work.place(rows * b.width) : -1);
        }
        for (const Carry& c : p_.carries)
            for (int i = 0; i < 2; i++) carry_places_.push_back(work.place(part.starting() * c.width));
        for (long width : p_.strips) strip_places_.push_back(work.place(part.chunk_rows * width));
        long widest = 0;
        for (const Operation& o : p_.operations)
            if (o.kind == Kind::outer) widest = std::max(widest, p_.buffers[o.buffer].width);
        stage_place_ = work.place(widest * part.chunk_rows);
        for (size_t i = 0; i < p_.parameters.size(); i++)
            gradient_places_.push_back(own_gradients && s_.call.gradients && s_.call.gradients[i]
                                           ? work.place(p_.parameters[i].size())
                                           : -1);
    }

    static long private_elements(const Program& p, const Kernels<T>& k) {
        return p.registers * k.block + k.panel * chunk_rows;
    }

    void attach(T* tape, T* work) { tape_ = tape, work_ = work; }

    T* gradient(int i) const {
        if (!s_.call.gradients || !s_.call.gradients[i]) return nullptr;
        return own_gradients_ ? work_ + gradient_places_[i] : static_cast<T*>(s_.call.gradients[i]);
    }

    // One member of the team. room: private_elements of its own.
    void run(int rank, int team, Barrier& barrier, T* room) {
        Member m{rank, team, &barrier, room, room + p_.registers * s_.kernels.block};
        start(m);
        const long count = long(part_.chunks.size());
        for (long i = 0; i < count; i++) {
            const Chunk chunk = part_.chunks[p_.back ? count - 1 - i : i];
            m.chunk = chunk;
            if (!p_.back) carry_states_over(m);
            perform(m, Scope::begin);
            const long steps = chunk.to - chunk.from;
            for (long k = 0; k < steps; k++) {
                m.t = p_.back ? chunk.to - 1 - k : chunk.from + k;
                if (p_.back) admit(m);
                perform(m, Scope::step);
                if (p_.back)
                    cut(m);
                else
                    dismiss(m);
            }
            perform(m, Scope::end);
            m.barrier->wait(m.team);
        }
        finish(m);
    }

private:
    struct Member {
        int rank, team;
        Barrier* barrier;
        T *registers, *room;
        Chunk chunk{0, 0};
        long t = 0;
        void wait() { barrier->wait(team); }
        // This member's share of n things.
        long first(long n) const { return n * rank / team; }
        long last(long n) const { return n * (rank + 1) / team; }
    };

    long chunk_start(const Member& m) const { return part_.offset[m.chunk.from]; }
    long rows_in(const Chunk& c) const { return part_.offset[c.to - 1] + part_.running[c.to - 1] - part_.offset[c.from]; }

    // A state's rows: before step 0 of the held stretch, then after each of its steps.
    T* state(int i, const Member& m, long t, bool after) const {
        const State& s = p_.states[i];
        const long first = s.kept ? 0 : m.chunk.from;  // the stretch held
        T* base = s.kept ? tape_ + tape_places_.state[i] : work_ + state_places_[i];
        if (!after && t == first) return base;
        const long step = after ? t : t - 1;
        return base + (part_.starting() + part_.offset[step] - part_.offset[first]) * s.width;
    }

    T* carry(int i, long t, bool out) const { return work_ + carry_places_[2 * i + ((t + (out ? 1 : 0)) & 1)]; }

    // Where a buffer's rows begin, of step t or (t < 0) of the whole chunk.
    T* at(int buffer, const Member& m, long t) const {
        const Buffer& b = p_.buffers[buffer];
        const long step = t < 0 ? m.chunk.from : t;
        switch (b.home) {
            case Home::tape: return tape_ + tape_places_.plane[b.index] + part_.offset[step] * b.width;
            case Home::before: return state(b.index, m, step, false);
            case Home::after: return state(b.index, m, step, true);
            case Home::chunk: return work_ + places_[buffer] + (part_.offset[step] - chunk_start(m)) * b.width;
            case Home::step:
            case Home::row: return work_ + places_[buffer];
            case Home::vector: return const_cast<T*>(s_.vectors[b.index]);
            case Home::constant: return const_cast<T*>(s_.constants[b.index]);
            case Home::carry_in: return carry(b.index, step, false);
            case Home::carry_out: return carry(b.index, step, true);
        }
        return nullptr;
    }

    void perform(Member& m, Scope scope) {
        for (const Operation& o : p_.operations) {
            if (o.scope != scope) continue;
            if (o.sync) m.wait();
            const long t = scope == Scope::step ? m.t : -1;
            const long rows = scope == Scope::step ? part_.running[m.t] : scope == Scope::start ? part_.starting() : rows_in(m.chunk);
            switch (o.kind) {
                case Kind::gather: gather(m, o, scope); break;
                case Kind::scatter: scatter(m, o); break;
                case Kind::multiply: multiply(m, o, t, rows); break;
                case Kind::pointwise: pointwise(m, o, t, rows); break;
                case Kind::strips: strips(m, o, rows); break;
                case Kind::outer: outer(m, o, rows); break;
                case Kind::column_sum:
                    if (T* g = gradient(o.parameter); g && m.rank == 0) s_.kernels.column_sum(at(o.buffer, m, -1), rows, p_.buffers[o.buffer].width, g);
                    break;
            }
        }
        m.wait();
    }

    T* tensor_row(int tensor, long row, long time) const {
        return s_.tensor(tensor) + time * s_.call.by_time[tensor] + part_.sequence[row] * s_.call.by_row[tensor];
    }

    void gather(Member& m, const Operation& o, Scope scope) {
        const long width = p_.tensors[o.tensor];
        const bool missing = !s_.tensor(o.tensor);
        T* to = scope == Scope::start ? work_ + places_[o.buffer] : at(o.buffer, m, -1);
        if (scope == Scope::start) {
            if (m.rank == 0)
                for (long r = 0; r < part_.starting(); r++, to += width) copy(to, missing ? nullptr : tensor_row(o.tensor, r, 0), width);
            return;
        }
        const long base = chunk_start(m);
        for (long t = m.chunk.from + m.first(m.chunk.to - m.chunk.from), end = m.chunk.from + m.last(m.chunk.to - m.chunk.from); t < end; t++)
            for (long r = 0; r < part_.running[t]; r++)
                copy(to + (part_.offset[t] - base + r) * width, missing ? nullptr : tensor_row(o.tensor, r, part_.time(r, t, s_.call.reverse)), width);
    }

    void scatter(Member& m, const Operation& o) {
        const long width = p_.tensors[o.tensor];
        if (!s_.tensor(o.tensor)) return;
        const long steps = m.chunk.to - m.chunk.from;
        for (long t = m.chunk.from + m.first(steps), end = m.chunk.from + m.last(steps); t < end; t++) {
            const T* from = at(o.buffer, m, t);
            for (long r = 0; r < part_.running[t]; r++)
                copy(tensor_row(o.tensor, r, part_.time(r, t, s_.call.reverse)), from + r * width, width);
        }
    }

    static void copy(T* to, const T* from, long n) {
        if (from)
            std::memcpy(to, from, n * sizeof(T));
        else
            std::memset(to, 0, n * sizeof(T));
    }

    void multiply(Member& m, const Operation& o, long t, long rows) {
        Term<T> terms[32];
        int count = 0;
        for (const Factor& f : o.factors) {
            const long k = p_.buffers[f.buffer].width;
            terms[count++] = {at(f.buffer, m, t), k, s_.panels[f.matrix], k};
        }
        const long n = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, n);
        s_.kernels.multiply(terms, count, rows, n, at(o.buffer, m, t), n, o.start, o.vector < 0 ? nullptr : at(o.vector, m, t),
                            m.first(panels), m.last(panels));
    }

    void pointwise(Member& m, const Operation& o, long t, long rows) {
        T* base[256];
        SlotKind kind[256];
        for (size_t i = 0; i < o.slots.size(); i++) {
            kind[i] = o.slots[i].kind;
            base[i] = o.slots[i].buffer < 0 ? m.registers + (-1 - o.slots[i].buffer) * s_.kernels.block : at(o.slots[i].buffer, m, t);
        }
        long first = 0, last = o.width;
        if (m.team > 1) {
            if (o.alone) {
                if (m.rank) return;
            } else {  // whole cache lines
                const long line = 64 / long(sizeof(T)), lines = (o.width + line - 1) / line;
                first = std::min(o.width, m.first(lines) * line), last = std::min(o.width, m.last(lines) * line);
                if (first == last) return;
            }
        }
        s_.kernels.pointwise(o.code.data(), int(o.code.size()), base, kind, int(o.slots.size()), rows, o.width, first, last);
    }

    // Weight gradients take at most chunk_rows rows at a time, so that a panel of V stays in the first-level cache.
    template <class F>
    void each_block(long rows, F f) const {
        for (long r = 0; r < rows; r += chunk_rows) f(r, std::min(chunk_rows, rows - r));
    }

    void strips(Member& m, const Operation& o, long rows) {
        const long width = p_.buffers[o.buffer].width;
        const T* d = at(o.buffer, m, -1);
        T* to = work_ + strip_places_[o.parameter];
        if (o.parameter % m.team == m.rank)
            each_block(rows, [&](long r, long n) { s_.kernels.pack_strips(d + r * width, n, width, to + r * width); });
    }

    void outer(Member& m, const Operation& o, long rows) {
        const long k = p_.buffers[o.buffer].width, panels = panels_of(s_.kernels, k);
        const T* v = side_by_side(m, o.buffer, rows);
        each_block(rows, [&](long r, long n) {
            for (const Factor& f : o.factors)
                if (T* g = gradient(f.buffer)) {
                    const long width = p_.strips[f.matrix];
                    s_.kernels.outer(work_ + strip_places_[f.matrix] + r * width, v + r * k, k, n, width, k, g, m.room, m.first(panels), m.last(panels));
                }
        });
    }

    // The chunk's rows of a buffer without gaps. Only a state before its steps has gaps, where sequences end.
    const T* side_by_side(Member& m, int buffer, long rows) {
        const Buffer& b = p_.buffers[buffer];
        const T* first = at(buffer, m, m.chunk.from);
        if (b.home == Home::row) {
            m.wait();
            if (m.rank == 0)
                for (long t = m.chunk.from; t < m.chunk.to; t++)
                    std::memcpy(stage() + (part_.offset[t] - chunk_start(m)) * b.width, first, part_.running[t] * b.width * sizeof(T));
            m.wait();
            return stage();
        }
        if (b.home != Home::before) return first;
        const T* end = at(buffer, m, m.chunk.to - 1) + part_.running[m.chunk.to - 1] * b.width;
        if (end - first == rows * b.width) return first;
        m.wait();
        if (m.rank == 0)
            for (long t = m.chunk.from; t < m.chunk.to; t++)
                std::memcpy(stage() + (part_.offset[t] - chunk_start(m)) * b.width, at(buffer, m, t), part_.running[t] * b.width * sizeof(T));
        m.wait();
        return stage();
    }
    T* stage() const { return work_ + stage_place_; }

    void start(Member& m) {
        if (m.rank == 0) {
            if (!p_.back)
                for (size_t i = 0; i < p_.states.size(); i++) {
                    const State& s = p_.states[i];
                    T* to = s.kept ? tape_ + tape_places_.state[i] : work_ + state_places_[i];
                    for (long r = 0; r < part_.starting(); r++)
                        copy(to + r * s.width, s_.tensor(s.initial) ? tensor_row(s.initial, r, 0) : nullptr, s.width);
                }
            for (size_t i = 0; i < p_.parameters.size(); i++)
                if (T* g = gradient(int(i))) std::memset(g, 0, p_.parameters[i].size() * sizeof(T));
        }
        m.wait();
        perform(m, Scope::start);
    }

    // States that are not kept: the last of one chunk are the first of the next.
    void carry_states_over(Member& m) {
        if (m.chunk.from > 0 && m.rank == 0) {
            const Chunk* previous = part_.chunks.data();
            while (previous->to != m.chunk.from) previous++;
            Member before = m;
            before.chunk = *previous;
            for (size_t i = 0; i < p_.states.size(); i++) {
                const State& s = p_.states[i];
                if (!s.kept) std::memcpy(work_ + state_places_[i], state(int(i), before, m.chunk.from - 1, true), part_.running[m.chunk.from] * s.width * sizeof(T));
            }
        }
        m.wait();
    }

    // Rows whose last step was t hand out their final state.
    void dismiss(Member& m) {
        if (m.rank) return;
        const long left = m.t + 1 < part_.steps() ? part_.running[m.t + 1] : 0;
        for (size_t i = 0; i < p_.states.size(); i++) {
            const State& s = p_.states[i];
            if (!s_.tensor(s.final)) continue;
            const T* from = state(int(i), m, m.t, true);
            for (long r = left; r < part_.running[m.t]; r++) copy(tensor_row(s.final, r, 0), from + r * s.width, s.width);
        }
    }

    // Going back, rows whose last step is t join with the gradient of their final state.
    void admit(Member& m) {
        const long running = m.t + 1 < part_.steps() ? part_.running[m.t + 1] : 0;
        if (running == part_.running[m.t]) return;
        if (m.rank == 0)
            for (size_t i = 0; i < p_.carries.size(); i++) {
                const Carry& c = p_.carries[i];
                T* to = carry(int(i), m.t, false);
                for (long r = running; r < part_.running[m.t]; r++)
                    copy(to + r * c.width, s_.tensor(c.arriving) ? tensor_row(c.arriving, r, 0) : nullptr, c.width);
            }
        m.wait();
    }

    // Truncated BPTT: nothing passes from the first step of a block of time steps to the one before.
    void cut(Member& m) {
        const long k = long(s_.call.bptt);
        if (!k || m.t == 0) return;
        if (m.rank == 0)
            for (long r = 0; r < part_.running[m.t]; r++) {
                const bool reverse = s_.call.reverse;
                if (part_.time(r, m.t, reverse) / k == part_.time(r, m.t - 1, reverse) / k) continue;
                for (size_t i = 0; i < p_.carries.size(); i++)
                    copy(carry(int(i), m.t, true) + r * p_.carries[i].width, nullptr, p_.carries[i].width);
            }
        m.wait();
    }

    void finish(Member& m) {
        m.wait();
        if (m.rank) return;
        for (size_t i = 0; i < p_.carries.size(); i++) {
            const Carry& c = p_.carries[i];
            if (!s_.tensor(c.leaving)) continue;
            const T* from = carry(int(i), 0, true);
            for (long r = 0; r < part_.starting(); r++) copy(tensor_row(c.leaving, r, 0), from + r * c.width, c.width);
        }
        if (!s_.call.lengths) return;
        for (const Operation& o : p_.operations)  // what leaves is zero past each length
            if (o.kind == Kind::scatter && s_.tensor(o.tensor))
                for (long r = 0; r < part_.starting(); r++)
                    for (long t = part_.length[r]; t < long(s_.call.steps); t++) copy(tensor_row(o.tensor, r, t), nullptr, p_.tensors[o.tensor]);
    }

    const Shared<T>& s_;
    const Program& p_;
    const Part& part_;
    const bool own_gradients_;
    TapePlaces tape_places_;
    std::vector<long> state_places_, places_, carry_places_, strip_places_, gradient_places_;
    long stage_place_ = 0;
    T *tape_ = nullptr, *work_ = nullptr;
};

}  // namespace

template <class T>
int64_t packed_elements(const Program& program, const Kernels<T>& kernels) {
    Layout layout(sizeof(T));
    for (const Packed& m : program.packed) layout.place(long(kernels.packed_size(program.packed_n(m), program.packed_k(m))));
    return layout.total();
}

template <class T>
int64_t tape_elements(const Program& program, const elman_call& call) {
    Layout layout(sizeof(T));
    for (const Part& part : deal(call)) place_tape(program, part, layout);
    return layout.total();
}

template <class T>
void scan(const Program& program, const elman_call& call, const Kernels<T>& kernels) {
    Shared<T> shared{program, call, kernels, {}, {}, {}};
    const std::vector<Part> parts = deal(call);
    Layout packed(sizeof(T));
    for (const Packed& m : program.packed)
        shared.panels.push_back(static_cast<const T*>(call.packed) + packed.place(long(kernels.packed_size(program.packed_n(m), program.packed_k(m)))));

    // working memory: shared vectors and constants, then each part's, then each thread's
    Layout tape(sizeof(T)), work(sizeof(T));
    std::vector<long> vector_places, constant_places;
    for (const auto& v : program.vectors) {
        const long width = program.parameters[v[0]].n;
        vector_places.push_back(work.place(std::max<long>(width, kernels.block)));
    }
    for (size_t i = 0; i < program.constants.size(); i++) constant_places.push_back(work.place(kernels.block));
    std::vector<Scan<T>> scans;
    for (const Part& part : parts) scans.emplace_back(shared, part, tape, work, &part != &parts[0]);
    const long room = Scan<T>::private_elements(program, kernels);
    const int threads = int(call.parts * call.team);
    const long rooms = work.total();
    for (int i = 0; i < threads; i++) work.place(room);
    Arena arena(work.total() * sizeof(T));
    T* memory = reinterpret_cast<T*>(arena.begin());

    for (size_t i = 0; i < program.vectors.size(); i++) {
        const long width = program.parameters[program.vectors[i][0]].n;
        T* to = memory + vector_places[i];
        for (long j = 0; j < width; j++) {
            T sum = 0;
            for (int q : program.vectors[i]) sum += static_cast<const T*>(call.parameters[q])[j];
            to[j] = sum;
        }
        for (long j = width; j < kernels.block; j++) to[j] = to[j - width];  // as many rows as a block holds
        shared.vectors.push_back(to);
    }
    for (size_t i = 0; i < program.constants.size(); i++) {
        T* to = memory + constant_places[i];
        std::fill(to, to + kernels.block, T(program.constants[i]));
        shared.constants.push_back(to);
    }
    for (Scan<T>& s : scans) s.attach(static_cast<T*>(call.tape), memory);
    if (call.tape) large_pages(call.tape, tape.total() * sizeof(T));

    struct Context {
        const Program& program;
        const elman_call& call;
        const Kernels<T>& kernels;
        Shared<T>& shared;
        std::vector<Scan<T>>& scans;
        std::unique_ptr<Barrier[]> barriers;
        T* rooms;
        long room;
        int threads;
    } context{program, call, kernels, shared, scans, std::unique_ptr<Barrier[]>(new Barrier[call.parts]), memory + rooms, (room + 63) / 64 * 64, threads};

    if (call.pack)
        parallel(threads, [](void* p, int i, int) {
            Context& c = *static_cast<Context*>(p);
            for (size_t m = 0; m < c.program.packed.size(); m++) {
                const Packed& packed = c.program.packed[m];
                const Parameter& w = c.program.parameters[packed.parameter];
                const long n = c.program.packed_n(packed), k = c.program.packed_k(packed), panels = panels_of(c.kernels, n);
                c.kernels.pack(static_cast<const T*>(c.call.parameters[packed.parameter]), n, k, packed.transposed ? 1 : w.k,
                               packed.transposed ? w.k : 1, const_cast<T*>(c.shared.panels[m]), panels * i / c.threads, panels * (i + 1) / c.threads);
            }
        }, &context);

    parallel(threads, [](void* p, int i, int team) {
        Context& c = *static_cast<Context*>(p);
        const int size = team == 1 ? 1 : int(c.call.team), part = i / int(c.call.team), rank = i % int(c.call.team);
        if (rank < size) c.scans[part].run(rank, size, c.barriers[part], c.rooms + i * c.room);
    }, &context);

    if (call.parts > 1 && call.gradients)
        parallel(threads, [](void* p, int i, int) {
            Context& c = *static_cast<Context*>(p);
            for (size_t g = 0; g < c.program.parameters.size(); g++) {
                T* to = c.scans[0].gradient(int(g));
                if (!to) continue;
                const long size = c.program.parameters[g].size();
                for (size_t part = 1; part < c.scans.size(); part++) {
                    const T* from = c.scans[part].gradient(int(g));
                    for (long j = size * i / c.threads, end = size * (i + 1) / c.threads; j < end; j++) to[j] += from[j];
                }
            }
        }, &context);
}

template int64_t packed_elements<float>(const Program&, const Kernels<float>&);
template int64_t packed_elements<double>(const Program&, const Kernels<double>&);
template int64_t tape_elements<float>(const Program&, const elman_call&);
template int64_t tape_elements<double>(const Program&, const elman_call&);
template void scan<float>(const Program&, const elman_call&, const Kernels<float>&);
template void scan<double>(const Program&, const elman_call&, const Kernels<double>&);

}  // namespace elman
