// Large blocks of memory that outlive a call and are used again by the next.
#pragma once

#include <cstddef>

namespace elman {

void* take(size_t bytes);  // 64-byte aligned, contents undefined; throws std::bad_alloc
void give(void* block);
size_t trim();
void large_pages(void* from, size_t bytes);  // ask for them: a fault for every 4 KiB of a tape costs a twentieth of a step

class Arena {  // one block, given back at the end of the scope
public:
    explicit Arena(size_t bytes) : block_(take(bytes)) {}
    ~Arena() { give(block_); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    char* begin() const { return static_cast<char*>(block_); }

private:
    void* block_;
};

}  // namespace elman
