#include "rows.h"

#include <algorithm>
#include <numeric>

namespace elman {

std::vector<Part> deal(const elman_call& call) {
    const long T = long(call.steps), B = long(call.batch), P = long(call.parts);
    std::vector<long> order(B);
    std::iota(order.begin(), order.end(), 0L);
    if (call.lengths)
        std::stable_sort(order.begin(), order.end(), [&](long a, long b) { return call.lengths[a] > call.lengths[b]; });
    std::vector<Part> parts(P);
    for (long i = 0; i < B; i++) {
        // with equal lengths a part takes neighbours, which lie side by side in x and y
        Part& part = parts[call.lengths ? i % P : i * P / B];
        part.sequence.push_back(order[i]);
        part.length.push_back(call.lengths ? long(call.lengths[order[i]]) : T);
    }
    for (Part& part : parts) {
        part.whole = !call.lengths;
        part.adjoining = part.whole && P == 1 && !call.reverse;
        const long steps = part.length.empty() ? 0 : part.length[0];
        long n = long(part.length.size());
        for (long t = 0; t < steps; t++) {
            while (part.length[n - 1] <= t) n--;
            part.running.push_back(n);
            part.offset.push_back(part.rows);
            part.rows += n;
        }
        for (long t = 0; t < steps;) {
            Chunk c{t, t};
            long rows = 0;
            while (c.to < steps && (rows == 0 || rows + part.running[c.to] <= chunk_rows)) rows += part.running[c.to++];
            part.chunks.push_back(c);
            part.chunk_rows = std::max(part.chunk_rows, rows);
            t = c.to;
        }
    }
    return parts;
}

}  // namespace elman
