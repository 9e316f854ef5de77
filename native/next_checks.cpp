// What a text that is read on natively has to be: its tables as large as it says, its layers prepared for it and for each
// other, its states side by side, and nothing that is written where something else lies.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"
#include "handles.h"
#include "next.h"

namespace elman {
namespace {

constexpr int64_t most_size = int64_t(1) << 31, most_layers = 1 << 12, most_threads = 1 << 15;

void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}
void require(bool condition, int64_t layer, const char* what) {
    if (!condition) throw std::invalid_argument("layer " + std::to_string(layer) + " of a text " + what);
}

int64_t element(const elman_next& t) { return t.is_double ? sizeof(double) : sizeof(float); }
int64_t row_of_states(const elman_next& t) { return t.state_bytes / t.rows; }

// Which of a layer's tensors is what.
struct Tensors {
    int x = -1, y = -1;
    bool others = false;

    explicit Tensors(const Program& p) {
        std::vector<bool> known(p.tensors.size());
        for (const State& s : p.states)
            for (int i : {s.initial, s.final})
                if (i >= 0) known[size_t(i)] = true;
        for (const Operation& o : p.operations)
            if (o.kind == Kind::scatter) others |= y >= 0 && y != o.tensor, y = o.tensor, known[size_t(y)] = true;
        for (size_t i = 0; i < known.size(); i++)
            if (!known[i]) others |= x >= 0, x = int(i);
    }
};

// What a layer is prepared for, and whether its states lie in a row of the state of all as it says. ends: where they do.
void check_layer(const elman_next& t, int64_t k, const void* reads, int64_t width, std::vector<std::pair<int64_t, int64_t>>& ends) {
    const elman_next_layer& layer = t.layer[k];
    layer.step->check();
    const Program& p = layer.step->program();
    const elman_call& c = layer.step->call();
    require(!p.back && p.is_double == (t.is_double != 0), k, "computes something else");
    require(c.steps == 1 && c.batch == t.rows, k, "is not prepared for one step of as many texts");
    const Tensors tensors(p);
    require(tensors.x >= 0 && tensors.y >= 0 && !tensors.others, k, "reads or gives something besides");
    require(p.tensors[size_t(tensors.x)] == width, k, "reads rows of another width");
    require(c.tensors[tensors.x] == reads && reads, k, "does not read what the one before it gives");
    for (int i : {tensors.x, tensors.y}) require(t.rows == 1 || c.by_row[i] == p.tensors[size_t(i)], k, "has rows that do not lie side by side");
    require(layer.states == int64_t(p.states.size()) && (layer.offset || !layer.states), k, "has another number of states");
    const int64_t size = element(t), row = row_of_states(t);
    for (int64_t i = 0; i < layer.states; i++) {
        const State& s = p.states[size_t(i)];
        const int64_t from = layer.offset[i], bytes = s.width * size;
        require(s.initial >= 0 && s.final >= 0, k, "has a state that is not handed on");
        require(from >= 0 && from % size == 0 && bytes <= row && from <= row - bytes, k, "has a state outside that of all");
        for (int tensor : {s.initial, s.final}) require(t.rows == 1 || c.by_row[tensor] * size == row, k, "has a state with rows elsewhere");
        for (const auto& [begin, end] : ends) require(from + bytes <= begin || from >= end, k, "has a state where another one lies");
        ends.emplace_back(from, from + bytes);
    }
}

void check_drawing(const elman_next& t, const Drawing& d) {
    const elman_draws& how = d.how;
    require(t.rows == 1 && t.weight, "units are drawn of one text, by its softmax");
    require(d.count >= 0 && d.count <= most_size && how.banned_count >= 0 && how.banned_count <= most_size, "a number of units out of range");
    require((how.banned || !how.banned_count) && (!d.count || (d.chances && d.units && d.log_probs)), "draws need units, chances and places for results");
    for (int64_t i = 0; i < how.banned_count; i++) require(how.banned[i] >= 0 && how.banned[i] < t.units, "a unit that is banned does not exist");
    for (int64_t i = 0; i < d.count; i++) require(d.chances[i] >= 0 && d.chances[i] < 1, "a chance outside 0..1");
    require(how.end >= -1 && how.end < t.units, "there is no such end");
    require(how.unended >= 0, "a number of units out of range");
    require(how.temperature > 0 && std::isfinite(how.temperature), "a temperature that is none");
}

}  // namespace

int64_t eight_bytes(int64_t n, int64_t k, bool is_double, const InstructionSet& set) {
    for (int64_t size : {n, k}) require(size >= 1 && size <= most_size, "a size of a matrix is out of range");
    product({n, k}, "a matrix");
    return int64_t(is_double ? set.f64->eight_bytes(long(n), long(k)) : set.f32->eight_bytes(long(n), long(k)));
}

void pack_eight(const void* matrix, int64_t extent, int64_t n, int64_t k, bool is_double, void* to, int64_t bytes, const InstructionSet& set) {
    const int64_t wanted = eight_bytes(n, k, is_double, set), size = is_double ? sizeof(double) : sizeof(float);
    require(extent == n * k && bytes == wanted, "a matrix of another size");
    Apart memory("a matrix in 8 bits");
    memory.add(matrix, extent, size, false);
    memory.add(to, bytes / size, size, true);
    if (is_double)
        set.f64->pack_eight(static_cast<const double*>(matrix), long(n), long(k), long(k), 1, to, 0, panels_of(*set.f64, long(n)));
    else
        set.f32->pack_eight(static_cast<const float*>(matrix), long(n), long(k), long(k), 1, to, 0, panels_of(*set.f32, long(n)));
}

void check_text(const elman_next& t, const InstructionSet& set) {
    for (int64_t size : {t.rows, t.units, t.width, t.known}) require(size >= 1 && size <= most_size, "a size of texts is out of range");
    require(t.layers >= 1 && t.layers <= most_layers && t.threads >= 1 && t.threads <= most_threads, "layers or threads of texts out of range");
    for (int64_t yes : {t.is_double, t.eight, t.own_threads}) require(yes == 0 || yes == 1, "a yes or no of texts that is neither");
    require(t.layer && t.embedding && t.x && t.h, "texts need layers, an embedding, x and h");
    require(std::isfinite(t.scale), "a scale of embeddings that is no number");
    require(t.embedding_extent == product({t.units, t.width}, "texts"), "the embedding is not (V, E)");
    product({t.rows, t.width}, "texts");
    const int64_t scores = product({t.rows, t.units}, "texts");
    require(t.weight || !t.weight_extent, "a softmax without its matrix");
    if (t.weight) {
        const int64_t wanted = product({t.units, t.known}, "texts");
        require(t.weight_extent == (t.eight ? eight_bytes(t.units, t.known, t.is_double != 0, set) : wanted), "the softmax's matrix is not (V, H)");
        require(t.bias_extent == (t.bias ? t.units : 0), "the softmax's bias is not (V,)");
        require(t.scores && t.log_probs && t.room, "a softmax needs places for its results");
        require(t.scores_extent >= scores && t.log_probs_extent >= scores && t.room_extent >= t.units, "a softmax's results need more place");
    }
    require(t.state_bytes >= 0 && t.state_bytes % (t.rows * element(t)) == 0, "the state of texts is not (N, S) numbers");
    for (int64_t k = 0; k < t.layers; k++) require(t.layer[k].step, k, "is not prepared");
}

void check_layers(const elman_next& t) {
    const void* reads = t.x;
    int64_t width = t.width;
    std::vector<std::pair<int64_t, int64_t>> ends;
    for (int64_t k = 0; k < t.layers; k++) {
        check_layer(t, k, reads, width, ends);
        const elman_prepared& step = *t.layer[k].step;
        const int y = Tensors(step.program()).y;
        reads = step.call().tensors[y], width = step.program().tensors[size_t(y)];
    }
    require(reads == t.h && width == t.known, "the last layer of a text does not give h");
}

void check_places(const elman_next& t, const int64_t* units, void* before, void* after, const Drawing* drawing) {
    if (drawing) check_drawing(t, *drawing);  // first: there is one unit then, and so one text
    require(units, "no units to read");
    for (int64_t n = 0; n < t.rows; n++) require(units[n] >= 0 && units[n] < t.units, "there is no such unit");
    Apart memory("a text");
    const int64_t size = element(t), numbers = t.state_bytes / size;
    memory.add(units, t.rows, sizeof *units, false);
    memory.add(before, numbers, size, drawing != nullptr);
    memory.add(after, numbers, size, true);
    memory.add(t.embedding, t.embedding_extent, size, false);
    memory.add(t.x, t.rows * t.width, size, true);
    for (int64_t k = 0; k < t.layers; k++) {
        const elman_prepared& step = *t.layer[k].step;
        const elman_call& c = step.call();
        const int y = Tensors(step.program()).y;
        memory.add(c.tensors[y], t.rows * step.program().tensors[size_t(y)], size, true);
        memory.add(c.packed, c.packed ? c.packed_bytes : 0, 1, c.pack);
    }
    if (t.weight) {
        memory.add(t.weight, t.eight ? t.weight_extent / size : t.weight_extent, size, false);
        memory.add(t.bias, t.bias_extent, size, false);
        memory.add(t.scores, t.rows * t.units, size, true);
        memory.add(t.log_probs, t.rows * t.units, sizeof(double), true);
        memory.add(t.room, t.units, sizeof(double), true);
    }
    if (drawing) {
        memory.add(drawing->how.banned, drawing->how.banned_count, sizeof(int64_t), false);
        memory.add(drawing->chances, drawing->count, sizeof(double), false);
        memory.add(drawing->units, drawing->count, sizeof(int64_t), true);
        memory.add(drawing->log_probs, drawing->count, sizeof(double), true);
    }
}

void put_states(const elman_next& t, void* before, void* after) {
    for (int64_t k = 0; k < t.layers; k++) {
        const elman_next_layer& layer = t.layer[k];
        void** const tensors = const_cast<void**>(layer.step->call().tensors);
        for (int64_t i = 0; i < layer.states; i++) {
            const State& s = layer.step->program().states[size_t(i)];
            tensors[s.initial] = static_cast<char*>(before) + layer.offset[i];
            tensors[s.final] = static_cast<char*>(after) + layer.offset[i];
        }
    }
}

}  // namespace elman
