// A program through time: chunks of steps, and within them each step, with what passes from one to the next.
#include "scan.h"

#include <memory>

#include "arena.h"
#include "checks.h"
#include "flush.h"
#include "operations.h"
#include "threads.h"

namespace elman {

namespace {

// One part of the batch through all steps.
template <class T>
class Scan : public Operations<T> {
public:
    using Operations<T>::Operations;

    // One member of the team. room: private_elements of its own.
    void run(int rank, int team, Barrier& barrier, T* room) {
        M m = Operations<T>::member(p_, s_.kernels, rank, team, barrier, room);
        start(m);
        const long count = long(part_.chunks.size());
        for (long i = 0; i < count; i++) {
            const Chunk chunk = part_.chunks[p_.back ? count - 1 - i : i];
            m.chunk = chunk;
            m.fresh = i == 0;
            if (!p_.back) carry_states_over(m);
            this->perform(m, Scope::begin);
            const long steps = chunk.to - chunk.from;
            for (long k = 0; k < steps; k++) {
                m.t = p_.back ? chunk.to - 1 - k : chunk.from + k;
                if (p_.back) admit(m);
                this->perform(m, Scope::step);
                if (p_.back)
                    cut(m);
                else
                    dismiss(m);
            }
            this->perform(m, Scope::end);
            m.wait();
        }
        finish(m);
    }

private:
    using Operations<T>::s_;
    using Operations<T>::p_;
    using Operations<T>::part_;
    using M = Member<T>;

    void start(M& m) {
        if (m.rank == 0) {
            if (!p_.back)
                for (size_t i = 0; i < p_.states.size(); i++) {
                    const State& s = p_.states[i];
                    T* to = this->initial(int(i));
                    for (long r = 0; r < part_.starting(); r++)
                        copy(to + r * s.width, s_.tensor(s.initial) ? this->tensor_row(s.initial, r, 0) : nullptr, s.width);
                }
            for (size_t i = 0; i < p_.parameters.size(); i++)
                if (T* g = this->gradient(int(i)); g && !p_.parameters[i].outer) copy<T>(g, nullptr, p_.parameters[i].size());
        }
        m.wait();
        this->perform(m, Scope::start);
    }

    // States that are not kept: the last of one chunk are the first of the next.
    void carry_states_over(M& m) {
        if (m.chunk.from > 0 && m.rank == 0) {
            const Chunk* previous = part_.chunks.data();
            while (previous->to != m.chunk.from) previous++;
            for (size_t i = 0; i < p_.states.size(); i++) {
                const State& s = p_.states[i];
                if (!s.kept && !this->state_outside(int(i)))
                    copy(this->initial(int(i)), this->state(int(i), *previous, m.chunk.from - 1, true), part_.running[m.chunk.from] * s.width);
            }
        }
        m.wait();
    }

    // Rows whose last step was t hand out their final state.
    void dismiss(M& m) {
        if (m.rank) return;
        const long left = m.t + 1 < part_.steps() ? part_.running[m.t + 1] : 0;
        for (size_t i = 0; i < p_.states.size(); i++) {
            const State& s = p_.states[i];
            if (!s_.tensor(s.final)) continue;
            const T* from = this->state(int(i), m.chunk, m.t, true);
            for (long r = left; r < part_.running[m.t]; r++) copy(this->tensor_row(s.final, r, 0), from + r * s.width, s.width);
        }
    }

    // Going back, rows whose last step is t join with the gradient of their final state.
    void admit(M& m) {
        const long running = m.t + 1 < part_.steps() ? part_.running[m.t + 1] : 0;
        if (running == part_.running[m.t]) return;
        if (m.rank == 0)
            for (size_t i = 0; i < p_.carries.size(); i++) {
                const Carry& c = p_.carries[i];
                T* to = this->carry(int(i), m.t, false);
                for (long r = running; r < part_.running[m.t]; r++)
                    copy(to + r * c.width, s_.tensor(c.arriving) ? this->tensor_row(c.arriving, r, 0) : nullptr, c.width);
            }
        m.wait();
    }

    // Truncated BPTT: nothing passes from the first step of a block of time steps to the one before.
    void cut(M& m) {
        const long k = long(s_.call.bptt);
        if (!k || m.t == 0) return;
        if (m.rank == 0)
            for (long r = 0; r < part_.running[m.t]; r++) {
                const bool reverse = s_.call.reverse;
                if (part_.time(r, m.t, reverse) / k == part_.time(r, m.t - 1, reverse) / k) continue;
                for (size_t i = 0; i < p_.carries.size(); i++)
                    copy(this->carry(int(i), m.t, true) + r * p_.carries[i].width, nullptr, p_.carries[i].width);
            }
        m.wait();
    }

    void finish(M& m) {
        m.wait();
        if (m.rank) return;
        for (size_t i = 0; i < p_.carries.size(); i++) {
            const Carry& c = p_.carries[i];
            if (!s_.tensor(c.leaving)) continue;
            const T* from = this->carry(int(i), 0, true);
            for (long r = 0; r < part_.starting(); r++) copy(this->tensor_row(c.leaving, r, 0), from + r * c.width, c.width);
        }
        if (!s_.call.lengths) return;
        for (const Operation& o : p_.operations)  // what leaves is zero past each length
            if (o.kind == Kind::scatter && s_.tensor(o.tensor))
                for (long r = 0; r < part_.starting(); r++)
                    for (long t = part_.length[r]; t < long(s_.call.steps); t++) copy(this->tensor_row(o.tensor, r, t), nullptr, p_.tensors[o.tensor]);
    }
};

}  // namespace

// Where one after the other each packed matrix begins, in elements.
template <class T>
long place_packed(const Program& program, const Kernels<T>& kernels, const Packed& m, Layout& layout) {
    const long n = program.packed_n(m), k = program.packed_k(m);
    if (program.halves) return layout.place(panels_of(kernels, n) * kernels.panel * pairs_in_pieces(k));
    return layout.place(long(program.eight ? kernels.eight_bytes(n, k) / sizeof(T) : kernels.packed_size(n, k)));
}

template <class T>
int64_t packed_elements(const Program& program, const Kernels<T>& kernels) {
    Layout layout(sizeof(T));
    for (const Packed& m : program.packed) place_packed(program, kernels, m, layout);
    return layout.total();
}

template <class T>
int64_t tape_elements(const Program& program, const elman_call& call) {
    Layout layout(sizeof(T));
    for (const Part& part : deal(call)) place_tape(program, part, layout);
    return layout.total();
}

template <class T>
struct Run<T>::Inside {
    const Program& program;
    const elman_call& call;
    const Kernels<T>& kernels;
    Shared<T> shared;
    const std::vector<Part> parts;
    std::vector<Scan<T>> scans;
    std::unique_ptr<Barrier[]> barriers;
    std::unique_ptr<Arena> arena, own_panels;
    size_t tape_bytes = 0;
    T* rooms = nullptr;  // each thread's own
    long room = 0;
    int threads = 0;

    Inside(const Program& p, const elman_call& c, const Kernels<T>& k)
        : program(p), call(c), kernels(k), shared{p, c, k, {}, {}, {}}, parts(deal(c)), barriers(new Barrier[c.parts]) {
        if (call.pack && !call.packed) own_panels.reset(new Arena(packed_elements(program, kernels) * sizeof(T)));
        if (const void* panels = own_panels ? own_panels->begin() : call.packed) {
            Layout packed(sizeof(T));
            for (const Packed& m : program.packed) shared.panels.push_back(static_cast<const T*>(panels) + place_packed(program, kernels, m, packed));
        }

        // working memory: shared vectors and constants, then each part's, then each thread's
        Layout tape(sizeof(T)), work(sizeof(T));
        std::vector<long> vector_places, constant_places;
        for (const auto& v : program.vectors) {
            const long width = program.parameters[v[0]].n;
            vector_places.push_back(work.place(std::max<long>(width, kernels.block)));
        }
        for (size_t i = 0; i < program.constants.size(); i++) constant_places.push_back(work.place(kernels.block));
        for (const Part& part : parts) scans.emplace_back(shared, part, tape, work, &part != &parts[0]);
        room = (Scan<T>::private_elements(program, kernels) + 63) / 64 * 64;
        threads = int(call.parts * call.team);
        const long first_room = work.place(room);
        for (int i = 1; i < threads; i++) work.place(room);
        arena.reset(new Arena(work.total() * sizeof(T)));
        T* memory = reinterpret_cast<T*>(arena->begin());
        rooms = memory + first_room;
        tape_bytes = tape.total() * sizeof(T);
        check_room(call.tape, call.tape_bytes, int64_t(tape_bytes), "the tape");

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
    }

    // Share `i` of `of` of the packing.
    void pack(int i, int of) const {
        for (size_t m = 0; m < program.packed.size(); m++) {
            const Packed& packed = program.packed[m];
            const Parameter& w = program.parameters[packed.parameter];
            const long n = program.packed_n(packed), k = program.packed_k(packed), panels = panels_of(kernels, n);
            const long by_n = packed.transposed ? 1 : w.k, by_k = packed.transposed ? w.k : 1, deep = depth(k);
            if (program.eight) {
                kernels.pack_eight(static_cast<const T*>(call.parameters[packed.parameter]), n, k, by_n, by_k, const_cast<T*>(shared.panels[m]),
                                   panels * i / of, panels * (i + 1) / of);
                continue;
            }
            if constexpr (std::is_same_v<T, float>)
                if (program.halves) {
                    for (long from = 0; from < k; from += deep)
                        program.halves->pack(static_cast<const T*>(call.parameters[packed.parameter]) + from * by_k, n, std::min(deep, k - from), by_n, by_k,
                                             const_cast<T*>(shared.panels[m]) + from / deep * pairs(deep) * panels * kernels.panel, panels * i / of, panels * (i + 1) / of);
                    continue;
                }
            for (long from = 0; from < k; from += deep)
                kernels.pack(static_cast<const T*>(call.parameters[packed.parameter]) + from * by_k, n, std::min(deep, k - from), by_n, by_k,
                             const_cast<T*>(shared.panels[m]) + from * panels * kernels.panel, panels * i / of, panels * (i + 1) / of);
        }
    }

    void run_part(int part, int seat, int rank, int team) {
        const Flush flush;  // in whichever thread this is
        scans[part].run(rank, team, barriers[part], rooms + seat * room);
    }

    // What there is to do, by whoever comes. What can be cut anywhere is cut in more pieces than there are threads.
    std::vector<Stage> stages() const {
        const int fine = 2 * threads;
        std::vector<Stage> stages;
        if (call.pack) stages.push_back({fine, 1, [](void* p, int i, int, int, int) { of(p).pack(i, 2 * of(p).threads); }});
        stages.push_back({int(call.parts), int(call.team), [](void* p, int part, int seat, int rank, int team) { of(p).run_part(part, seat, rank, team); }});
        if (call.parts > 1 && call.gradients)
            stages.push_back({fine, 1, [](void* p, int i, int, int, int) { of(p).gather_gradients(i, 2 * of(p).threads); }});
        return stages;
    }
    static Inside& of(void* p) { return *static_cast<Inside*>(p); }

    // How long to look out for a team: a quarter of what one thread would take, at some 30 multiply-adds a nanosecond.
    int patience() const {
        double work = 0, rows = 0;
        for (const Packed& m : program.packed) work += double(program.packed_n(m)) * double(program.packed_k(m));
        for (const Part& part : parts) rows += double(part.rows);
        return int(std::min(6000.0, work * rows / (4 * 30 * 40)));
    }

    // What the parts have summed apart, into the first one's gradients: share `i` of `of` of each.
    void gather_gradients(int i, int of) const {
        const Flush flush;
        for (size_t g = 0; g < program.parameters.size(); g++) {
            T* to = scans[0].gradient(int(g));
            if (!to) continue;
            const long size = program.parameters[g].size();
            for (size_t part = 1; part < scans.size(); part++) {
                const T* from = scans[part].gradient(int(g));
                for (long j = size * i / of, end = size * (i + 1) / of; j < end; j++) to[j] += from[j];
            }
        }
    }
};

template <class T>
Run<T>::Run(const Program& program, const elman_call& call, const Kernels<T>& kernels) : inside_(new Inside(program, call, kernels)) {}
template <class T>
Run<T>::~Run() = default;

template <class T>
void Run<T>::operator()() {
    Inside& inside = *inside_;
    const elman_call& call = inside.call;
    if (call.tape) large_pages(call.tape, inside.tape_bytes);
    if (inside.threads > 1) return run(std::make_shared<Job>(inside.threads, inside.stages(), &inside, inside.patience()), call.own_threads != 0);
    if (call.pack) inside.pack(0, 1);
    inside.run_part(0, 0, 0, 1);
}

template int64_t packed_elements<float>(const Program&, const Kernels<float>&);
template int64_t packed_elements<double>(const Program&, const Kernels<double>&);
template int64_t tape_elements<float>(const Program&, const elman_call&);
template int64_t tape_elements<double>(const Program&, const elman_call&);
template class Run<float>;
template class Run<double>;

}  // namespace elman
