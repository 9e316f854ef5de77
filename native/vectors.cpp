// Word vectors: the way in (which build of the kernel trains), and the lexicon that turns a text into word ids.
#include "vectors.h"

#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

extern "C" {
ElmanVectorsChunk elman_vectors_chunk_portable;
#if defined(ELMAN_X86)
ElmanVectorsChunk elman_vectors_chunk_v2, elman_vectors_chunk_v3, elman_vectors_chunk_v4;
#if defined(ELMAN_WIDE)
ElmanVectorsChunk elman_vectors_chunk_wide;
#endif
#endif
}

namespace {

struct Build {
    const char* name;
    ElmanVectorsChunk* run;
};

const Build builds[] = {
    {"portable", elman_vectors_chunk_portable},
#if defined(ELMAN_X86)
    {"v2", elman_vectors_chunk_v2},
    {"v3", elman_vectors_chunk_v3},
    {"v4", elman_vectors_chunk_v4},
#if defined(ELMAN_WIDE)
    {"wide", elman_vectors_chunk_wide},
#endif
#endif
};

const Build* build(const char* name) {
    if (!name || !*name) name = elman_isa();
    if (!name) return nullptr;
    const std::string runs = std::string(",") + elman_isas() + ",";
    if (runs.find("," + std::string(name) + ",") == std::string::npos) return nullptr;
    for (const Build& b : builds)
        if (!std::strcmp(b.name, name)) return &b;
    return nullptr;
}

}  // namespace

// Hogwild (Recht et al. 2011): threads take chunks in order and write the shared rows without locks; with one thread
// the result depends on the job alone.
extern "C" const char* elman_vectors_train(const ElmanVectorsJob* job, const char* instruction_set) {
    const Build* const chosen = build(instruction_set);
    if (!chosen) return nullptr;
    std::atomic<int64_t> next{job->first_chunk};
    auto work = [&] {
        std::vector<int32_t> words(static_cast<size_t>(job->chunk));
        std::vector<float> room(2 * static_cast<size_t>(job->stride) + 16);
        float* h = room.data();
        while (reinterpret_cast<uintptr_t>(h) % 64) ++h;
        const ElmanVectorsScratch my{words.data(), h, h + job->stride};
        for (int64_t c; (c = next.fetch_add(1)) < job->last_chunk;) chosen->run(job, c, &my);
    };
    std::vector<std::thread> others;
    for (int i = 1; i < job->threads; ++i) others.emplace_back(work);
    work();
    for (auto& other : others) other.join();
    return chosen->name;
}

namespace {

// Every different word seen, numbered in the order of first appearance: open addressing over one arena of bytes.
struct Lexicon {
    std::vector<char> bytes;
    std::vector<int64_t> start{0};  // (words + 1): where each word lies in `bytes`
    std::vector<int64_t> counts;
    std::vector<uint64_t> hashes;
    std::vector<int32_t> slots = std::vector<int32_t>(1 << 16, -1);  // a power of two, at most half full

    std::string_view word(int32_t id) const { return {bytes.data() + start[id], size_t(start[id + 1] - start[id])}; }

    int32_t id_of(std::string_view w) {
        uint64_t hash = 14695981039346656037ULL;  // FNV-1a
        for (unsigned char c : w) hash = (hash ^ c) * 1099511628211ULL;
        hash ^= hash >> 29;
        const size_t mask = slots.size() - 1;
        size_t at = hash & mask;
        for (; slots[at] >= 0; at = (at + 1) & mask)
            if (hashes[slots[at]] == hash && word(slots[at]) == w) return ++counts[slots[at]], slots[at];
        const int32_t id = static_cast<int32_t>(counts.size());
        slots[at] = id;
        bytes.insert(bytes.end(), w.begin(), w.end());
        start.push_back(static_cast<int64_t>(bytes.size()));
        counts.push_back(1);
        hashes.push_back(hash);
        if (counts.size() * 2 > slots.size()) grow();
        return id;
    }

    void grow() {
        slots.assign(slots.size() * 2, -1);
        const size_t mask = slots.size() - 1;
        for (size_t id = 0; id < hashes.size(); ++id) {
            size_t at = hashes[id] & mask;
            while (slots[at] >= 0) at = (at + 1) & mask;
            slots[at] = static_cast<int32_t>(id);
        }
    }
};

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c) || (c & 0x80); }
bool blank(char c) { return (c >= 0 && c <= 0x20) || c == 0x7f; }

// How many bytes a contracted ending takes ("n't" in don't, "'s" in it's), 0 if there is none.
size_t ending(std::string_view w) {
    for (std::string_view e : {"n't", "'ll", "'re", "'ve", "'s", "'m", "'d"})
        if (w.size() > e.size() && w.substr(w.size() - e.size()) == e) return e.size();
    return 0;
}

}  // namespace

extern "C" {

void* elman_lexicon_new() { return new Lexicon; }
void elman_lexicon_free(void* p) { delete static_cast<Lexicon*>(p); }
int64_t elman_lexicon_size(const void* p) { return static_cast<int64_t>(static_cast<const Lexicon*>(p)->counts.size()); }
int64_t elman_lexicon_bytes(const void* p) { return static_cast<int64_t>(static_cast<const Lexicon*>(p)->bytes.size()); }

// counts (words), start (words + 1), bytes (elman_lexicon_bytes)
void elman_lexicon_read(const void* p, int64_t* counts, int64_t* start, char* bytes) {
    const auto& lex = *static_cast<const Lexicon*>(p);
    std::memcpy(counts, lex.counts.data(), lex.counts.size() * sizeof(int64_t));
    std::memcpy(start, lex.start.data(), lex.start.size() * sizeof(int64_t));
    std::memcpy(bytes, lex.bytes.data(), lex.bytes.size());
}

// Split n bytes of cleaned text into tokens and number them; a line's end becomes -1.
// `ids` has room for n: a token is at least one byte. The rules are those of tokens.py, character by character.
int64_t elman_lexicon_add(void* p, const char* text, int64_t n, int32_t treebank, int32_t* ids) {
    auto& lex = *static_cast<Lexicon*>(p);
    int64_t out = 0;
    for (int64_t i = 0; i < n;) {
        const char c = text[i];
        if (c == '\n') {
            ids[out++] = -1, ++i;
        } else if (letter(c)) {
            const int64_t from = i;
            for (++i; i < n; ++i) {
                if (letter(text[i])) continue;
                if (i + 1 >= n) break;
                if (text[i] == '\'' && letter(text[i + 1])) continue;
                if ((text[i] == '.' || text[i] == ',') && digit(text[i - 1]) && digit(text[i + 1])) continue;
                break;
            }
            const std::string_view word(text + from, size_t(i - from));
            const size_t cut = treebank ? ending(word) : 0;
            ids[out++] = lex.id_of(word.substr(0, word.size() - cut));
            if (cut) ids[out++] = lex.id_of(word.substr(word.size() - cut));
        } else if (!treebank || blank(c)) {
            ++i;
        } else {  // punctuation: a run of one sign is one token; longer runs of . and - are ... and --
            const int64_t from = i;
            while (i < n && text[i] == c) ++i;
            const bool run = i - from > 1;
            ids[out++] = lex.id_of(c == '.' && run ? "..." : c == '-' && run ? "--" : std::string_view(&c, 1));
        }
    }
    return out;
}
}
