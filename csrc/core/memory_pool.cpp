// Size classes as in jemalloc: four per power of two, so that at most a fifth of a block is waste.
//
// A block is one piece of memory, its header in the first 64 bytes and the data behind it; a free
// block keeps both. One lock guards the lists: it is held for a few dozen instructions, never
// while the system is asked for memory.
#include "core/memory_pool.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#endif
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "core/processor.h"

namespace fastnn {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHeader = 64;
constexpr int32_t kBorrowed = -1;
constexpr size_t kLargest = size_t{1} << 46;
constexpr int kClasses = 4 * (46 - 7);
constexpr int kMuchLarger = 12;  // classes: eight times as large
constexpr size_t kHugePage = size_t{1} << 21;
constexpr size_t kColoured = size_t{1} << 17, kColour = 256, kColours = 16;
static_assert(sizeof(Block) <= kHeader, "the header of a block no longer fits");

#if defined(__SANITIZE_ADDRESS__)
// The sanitizer sees an overflow only where a block ends at the byte that was asked for.
constexpr bool kCache = false;
#else
constexpr bool kCache = true;
#endif

// Class 0 to 3: 64, 128, 192, 256 bytes; then (5, 6, 7, 8) * 2^n.
int class_of(size_t bytes) {
  if (bytes <= 256) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / 64);
  const size_t last = bytes - 1;
  const int exponent = 63 - __builtin_clzll(last);
  return 4 * (exponent - 7) + static_cast<int>((last >> (exponent - 2)) & 3);
}

constexpr size_t class_bytes(int index) {
  return index < 4 ? size_t(64) * (index + 1) : size_t(5 + index % 4) << (index / 4 + 5);
}
static_assert(class_bytes(kClasses - 1) == kLargest, "the classes end at the largest block");

struct FreeList {
  Block* head = nullptr;
  int64_t last_use = 0;
};

class Pool {
 public:
  // The lock is also what fork takes: a child must not inherit half a list.
  void lock() {
    for (int tries = 0; locked_.exchange(true, std::memory_order_acquire); ++tries) {
      if (tries < 1000) {
        pause();
      } else {
        sched_yield();  // its holder lost the processor
      }
    }
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

  // A block of this class, or of the first one up to `last` that has any.
  Block* take(int size_class, int last) {
    lock();
    while (size_class < last && !lists_[size_class].head) ++size_class;
    FreeList& list = lists_[size_class];
    list.last_use = ++clock_;
    Block* block = list.head;
    if (block) {
      list.head = block->next;
      ++stats_.pool_requests;
      stats_.cached_bytes -= block->bytes;
      count_in(block->bytes);
    }
    unlock();
    return block;
  }

  void note_system_block(size_t bytes) {
    lock();
    ++stats_.system_requests;
    count_in(bytes);
    unlock();
  }

  // Keeps the block for reuse. When that is too much, what other sizes have kept goes first, the
  // longest unused first: a program that moves on to other shapes finds room for them.
  void give(Block* block) {
    Block* surplus = nullptr;
    lock();
    stats_.in_use_bytes -= block->bytes;
    const int64_t room = limit() - static_cast<int64_t>(block->bytes);
    if (!kCache || room < 0) {
      block->next = nullptr;
      surplus = block;
    } else {
      if (stats_.cached_bytes > room) surplus = evict(room);
      FreeList& list = lists_[block->size_class];
      block->next = list.head;
      list.head = block;
      stats_.cached_bytes += block->bytes;
    }
    unlock();
    free_all(surplus);
  }

  void clear() {
    lock();
    Block* surplus = evict(0);
    unlock();
    free_all(surplus);
  }

  MemoryStats stats() {
    lock();
    MemoryStats copy = stats_;
    copy.limit_bytes = limit();
    unlock();
    return copy;
  }

 private:
  // Bound of the cached memory. A training step gives back at most what it held at its peak, so
  // this keeps a steady step away from the system, and the process below twice its own need.
  int64_t limit() const {
    constexpr int64_t kLeast = int64_t{64} << 20;
    return kCache ? std::max(kLeast, stats_.peak_bytes) : 0;
  }

  void count_in(size_t bytes) {
    stats_.in_use_bytes += bytes;
    stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.in_use_bytes);
  }

  // Unlinks blocks until at most `target` bytes are cached; returns them as a list.
  Block* evict(int64_t target) {
    Block* evicted = nullptr;
    while (stats_.cached_bytes > target) {
      FreeList* oldest = nullptr;
      for (FreeList& list : lists_)
        if (list.head && (!oldest || list.last_use < oldest->last_use)) oldest = &list;
      Block* block = std::exchange(oldest->head, oldest->head->next);
      stats_.cached_bytes -= block->bytes;
      block->next = evicted;
      evicted = block;
    }
    return evicted;
  }

  static void free_all(Block* block) {
    while (block) {
      Block* next = block->next;
      block->~Block();
      std::free(block);
      block = next;
    }
  }

  alignas(64) std::atomic<bool> locked_{false};
  int64_t clock_ = 0;
  MemoryStats stats_ = {};
  FreeList lists_[kClasses];
};

Pool pool;  // initialised by the compiler and never destroyed: blocks die at any time, also at exit

[[maybe_unused]] const int fork_handlers =
    pthread_atfork([] { pool.lock(); }, [] { pool.unlock(); }, [] { pool.unlock(); });

// What a request must not exceed: an array is written whole, so more than all memory cannot work,
// and a system that overcommits would find out only then.
size_t machine_bytes() {
  static const size_t bytes = [] {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? static_cast<size_t>(pages) * page : kLargest;
  }();
  return bytes;
}

void* system_memory(size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes) != 0) return nullptr;
#if defined(__linux__)
  if (bytes >= 2 * kHugePage) {  // fewer TLB misses; a refusal changes nothing
    const uintptr_t page = 4096, start = (reinterpret_cast<uintptr_t>(memory) + page - 1) & -page;
    const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + bytes) & -page;
    madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
  }
#endif
  return memory;
}

// How far behind its header a block's data begins. The system starts large blocks on a page, and a
// loop over more arrays than a set of the first cache has ways would find all of them in the same
// set: so they begin on different lines of their pages.
size_t colour_of(size_t bytes) {
  static std::atomic<size_t> turn{0};
  if (bytes < kColoured) return 0;
  return turn.fetch_add(1, std::memory_order_relaxed) % kColours * kColour;
}

Block* new_block(size_t bytes, int size_class) {
  if (bytes > machine_bytes()) throw std::bad_alloc();
  const size_t before = kHeader + colour_of(bytes);
  void* memory = system_memory(before + bytes);
  if (!memory) {
    release_cached_memory();
    memory = system_memory(before + bytes);
  }
  if (!memory) throw std::bad_alloc();
  Block* block = new (memory) Block;
  block->data = static_cast<char*>(memory) + before;
  block->bytes = bytes;
  block->size_class = size_class;
  pool.note_system_block(bytes);
  return block;
}

struct BorrowedBlock : Block {
  void* owner;
  void (*drop)(void*);
};

// Threads number their blocks apart from each other: no traffic between processors.
uint64_t& serial() {
  static std::atomic<uint64_t> threads{0};
  thread_local uint64_t next = (threads.fetch_add(1, std::memory_order_relaxed) + 1) << 40;
  return next;
}

Block* allocate(size_t bytes, bool larger_ones) {
  if (bytes > kLargest) throw std::bad_alloc();
  const int size_class = class_of(bytes);
  const int last = larger_ones ? std::min(size_class + kMuchLarger, kClasses - 1) : size_class;
  Block* block = pool.take(size_class, last);
  if (!block) block = new_block(kCache ? class_bytes(size_class) : bytes, size_class);
  block->serial = serial()++;
  block->references.store(1, std::memory_order_relaxed);
  block->version.store(0, std::memory_order_relaxed);
  return block;
}

}  // namespace

uint64_t next_block_serial() { return serial(); }

Block* allocate_block(size_t bytes) { return allocate(bytes, false); }

Block* allocate_for_now(size_t bytes) { return allocate(bytes, true); }

Block* borrow_block(char* data, size_t bytes, void* owner, void (*drop)(void* owner)) {
  BorrowedBlock* block = new BorrowedBlock;
  block->data = data;
  block->bytes = bytes;
  block->size_class = kBorrowed;
  block->serial = serial()++;
  block->owner = owner;
  block->drop = drop;
  return block;
}

bool is_borrowed(const Block& block) { return block.size_class == kBorrowed; }

void destroy_block(Block* block) {
  if (!is_borrowed(*block)) {
    pool.give(block);
    return;
  }
  BorrowedBlock* borrowed = static_cast<BorrowedBlock*>(block);
  borrowed->drop(borrowed->owner);
  delete borrowed;
}

MemoryStats memory_stats() { return pool.stats(); }

void release_cached_memory() {
  pool.clear();
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace fastnn
