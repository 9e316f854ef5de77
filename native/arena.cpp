// Free blocks are kept up to a total, best fit first; the operating system hands out zeroed pages one fault at a time,
// which costs more than what most steps compute in them.
#include "arena.h"

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace elman {

namespace {

constexpr size_t header = 64, large = size_t(4) << 20;
constexpr size_t keep = size_t(512) << 20;  // at most this much lies idle

struct Block {
    size_t bytes;
    void* raw;  // what malloc gave
};

std::mutex mutex;
std::vector<Block*>& idle() {
    static auto* const blocks = new std::vector<Block*>;
    return *blocks;
}
size_t idle_bytes = 0;

void release(Block* b) { std::free(b->raw); }

#if !defined(_WIN32)
// a child must not inherit the lock in the hands of a thread that it does not have
[[maybe_unused]] const bool watching = [] {
    pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });
    return true;
}();
#endif

}  // namespace

void* take(size_t bytes) {
    bytes = (bytes + header + 4095) / 4096 * 4096;
    {
        std::lock_guard<std::mutex> lock(mutex);
        auto& blocks = idle();
        size_t best = blocks.size();
        for (size_t i = 0; i < blocks.size(); i++)
            if (blocks[i]->bytes >= bytes && (best == blocks.size() || blocks[i]->bytes < blocks[best]->bytes)) best = i;
        if (best < blocks.size() && blocks[best]->bytes <= 2 * bytes + (size_t(1) << 20)) {
            Block* b = blocks[best];
            blocks[best] = blocks.back();
            blocks.pop_back();
            idle_bytes -= b->bytes;
            return reinterpret_cast<char*>(b) + header;
        }
    }
    const size_t align = bytes >= large ? size_t(2) << 20 : header;
    void* raw = std::malloc(bytes + align);
    if (!raw) throw std::bad_alloc();
    char* p = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(raw) + align - 1) / align * align);
#if defined(__linux__)
    if (bytes >= large) madvise(p, bytes, MADV_HUGEPAGE);
#endif
    new (p) Block{bytes, raw};
    return p + header;
}

void give(void* block) {
    if (!block) return;
    Block* b = reinterpret_cast<Block*>(static_cast<char*>(block) - header);
    std::lock_guard<std::mutex> lock(mutex);
    auto& blocks = idle();
    blocks.push_back(b);
    idle_bytes += b->bytes;
    while (idle_bytes > keep && !blocks.empty()) {  // the oldest first
        Block* old = blocks.front();
        blocks.erase(blocks.begin());
        idle_bytes -= old->bytes;
        release(old);
    }
}

void large_pages(void* from, size_t bytes) {
#if defined(__linux__)
    constexpr uintptr_t page = uintptr_t(2) << 20;
    const uintptr_t first = (reinterpret_cast<uintptr_t>(from) + page - 1) / page * page;
    const uintptr_t last = (reinterpret_cast<uintptr_t>(from) + bytes) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
    (void)from, (void)bytes;
#endif
}

size_t trim() {
    std::lock_guard<std::mutex> lock(mutex);
    const size_t freed = idle_bytes;
    for (Block* b : idle()) release(b);
    idle().clear();
    idle_bytes = 0;
    return freed;
}

}  // namespace elman
