#include "crowd.h"

#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>

#include "waiting.h"

namespace elman {

namespace {
std::atomic<bool> called{false}, there{false};
std::atomic<int64_t> until{0};
}  // namespace

void crowd(Parallel parallel, unsigned team) {
    until.store(Spin::now() + 500'000'000);
    if (called.exchange(true)) return;
    try {
        std::thread([=] {
            parallel([](void*) {}, nullptr, team, 0);  // the team stays for as long as the thread that called for it
            there.store(true);
            while (Spin::now() < until.load()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
            there.store(false);
            called.store(false);
        }).detach();
    } catch (const std::system_error&) {  // no more threads to be had: that is crowd enough
        called.store(false);
    }
}

bool crowded() { return there.load(std::memory_order_relaxed); }

}  // namespace elman
