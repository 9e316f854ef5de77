// Running on several threads without a pool of one's own where the process has one already.
#pragma once

#include <atomic>

namespace elman {

// Runs work(context, i, team) for i in 0..count-1 and returns when all are done. `team` is how many of them really run
// at the same time: count, or 1 (then one after another, in order) where no more threads were to be had.
using Work = void (*)(void* context, int i, int team);
void parallel(int count, Work work, void* context);

bool use_openmp(const char* library);  // false: it has no such entry points
const char* threads_in_use();

// Threads that wait for each other between two stages of a step, a microsecond of work away: they spin.
class Barrier {
public:
    void wait(int size) {
        if (size == 1) return;
        const int turn = turn_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            turn_.store(turn + 1, std::memory_order_release);
        } else
            spin(turn);
    }

private:
    void spin(int turn) const;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> turn_{0};
};

}  // namespace elman
