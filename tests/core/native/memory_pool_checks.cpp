// `memory_pool_checks NAME` runs one check; see check.h.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "check.h"
#include "core/memory_pool.h"

namespace {

using fastnn::allocate_block;
using fastnn::Block;
using fastnn::memory_stats;

constexpr size_t kMiB = size_t{1} << 20;

bool allocation_fails(size_t bytes) {
  try {
    fastnn::release(allocate_block(bytes));
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

bool block_works(size_t bytes) {
  Block* block = allocate_block(bytes);
  std::memset(block->data, 7, bytes);
  const bool right = block->bytes >= bytes && block->references == 1 && block->version == 0 &&
                     reinterpret_cast<uintptr_t>(block->data) % 64 == 0;
  fastnn::release(block);
  return right;
}

void size_classes() {
  for (size_t bytes = 0; bytes < 70'000; bytes += bytes < 3000 ? 1 : 61) {
    Block* block = allocate_block(bytes);
    CHECK(block->bytes >= bytes && block->bytes % 64 == 0);
    CHECK(bytes <= 256 ? block->bytes < bytes + 64 + (bytes == 0) : block->bytes < 1.25 * bytes);
    fastnn::release(block);
    CHECK(block_works(bytes));
  }
}

void reuse() {
  Block* first = allocate_block(1000);
  char* const data = first->data;
  first->version = 5;
  fastnn::retain(first);
  fastnn::release(first);
  CHECK(allocate_block(1000) != first);  // it still has an owner
  std::thread([&] { fastnn::release(first); }).join();
  const auto before = memory_stats();
  Block* again = allocate_block(970);  // the same class
  CHECK(again == first && again->data == data && again->version == 0 && again->references == 1);
  CHECK(memory_stats().system_requests == before.system_requests);
  CHECK(memory_stats().pool_requests == before.pool_requests + 1);
}

void stats_and_release() {
  const auto start = memory_stats();
  CHECK(start.in_use_bytes == 0 && start.cached_bytes == 0);
  Block* block = allocate_block(3 * kMiB);
  CHECK(memory_stats().in_use_bytes == int64_t(block->bytes));
  CHECK(memory_stats().peak_bytes == int64_t(block->bytes));
  const int64_t bytes = block->bytes;
  fastnn::release(block);
  CHECK(memory_stats().in_use_bytes == 0 && memory_stats().cached_bytes == bytes);
  fastnn::release_cached_memory();
  CHECK(memory_stats().cached_bytes == 0 && memory_stats().peak_bytes == bytes);
  CHECK(block_works(3 * kMiB));
}

void bound() {
  // The largest use so far may be kept.
  std::vector<Block*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(allocate_block(kMiB));
  for (Block* block : blocks) fastnn::release(block);
  CHECK(memory_stats().limit_bytes == 100 * int64_t(kMiB));
  CHECK(memory_stats().cached_bytes == 100 * int64_t(kMiB));
  // Another size comes into use: the old one makes room, and a steady use costs the system nothing.
  for (int round = 0; round < 5; ++round) {
    const int64_t before = memory_stats().system_requests;
    blocks.clear();
    for (int i = 0; i < 40; ++i) blocks.push_back(allocate_block(2 * kMiB));
    for (Block* block : blocks) fastnn::release(block);
    CHECK(memory_stats().cached_bytes <= memory_stats().limit_bytes);
    CHECK(round == 0 || memory_stats().system_requests == before);
  }
}

// For a while, a kept block will do that is up to eight times too large, the smallest first.
void larger_ones_for_now() {
  Block* const large = allocate_block(8 * kMiB);
  Block* const larger = allocate_block(10 * kMiB);
  fastnn::release(large);
  fastnn::release(larger);
  Block* const lent = fastnn::allocate_for_now(kMiB);
  CHECK(lent == large && lent->bytes == 8 * kMiB);
  CHECK(memory_stats().in_use_bytes == 8 * int64_t(kMiB));
  Block* const made = fastnn::allocate_for_now(kMiB);  // nothing is left but the much larger one
  CHECK(made != larger && made->bytes == kMiB);
  CHECK(memory_stats().cached_bytes == 10 * int64_t(kMiB));
  fastnn::release(lent);
  fastnn::release(made);
  CHECK(fastnn::allocate_for_now(kMiB) == made);
  CHECK(allocate_block(2 * kMiB) != large);  // for good: its own size only
  CHECK(allocate_block(8 * kMiB) == large);
}

void absurd_sizes() {
  for (const size_t bytes : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 62, size_t{1} << 46,
                             (size_t{1} << 46) + 1, size_t{1} << 44}) {
    CHECK(allocation_fails(bytes));
    CHECK(block_works(1000));
  }
  CHECK(memory_stats().in_use_bytes == 0);
}

// The system refuses: what was kept goes back first; after an error all goes on.
void out_of_memory() {
  std::vector<Block*> blocks;
  for (int i = 0; i < 60; ++i) blocks.push_back(allocate_block(kMiB));
  for (Block* block : blocks) fastnn::release(block);
  rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = 200 * kMiB;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  CHECK(memory_stats().cached_bytes == 60 * int64_t(kMiB));
  CHECK(block_works(160 * kMiB));  // fits only without them
  CHECK(memory_stats().cached_bytes == 160 * int64_t(kMiB));
  CHECK(allocation_fails(1000 * kMiB));
  CHECK(memory_stats().in_use_bytes == 0);
  CHECK(block_works(10 * kMiB));
}

// Blocks go from thread to thread; no two owners ever share one.
void several_threads() {
  std::atomic<int> wrong{0};
  std::vector<std::atomic<Block*>> shelf(16);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20'000; ++i) {
        Block* block = allocate_block(64 * (1 + i % 5));
        std::memset(block->data, thread, block->bytes);
        Block* other = shelf[(i * 7 + thread) % shelf.size()].exchange(block);
        if (!other) continue;
        for (size_t j = 1; j < other->bytes; ++j) wrong += other->data[j] != other->data[0];
        fastnn::release(other);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (auto& place : shelf)
    if (place.load()) fastnn::release(place);
  CHECK(wrong == 0);
  CHECK(memory_stats().in_use_bytes == 0);
}

void forks() {
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) fastnn::release(allocate_block(500));
  });
  const auto works = [] {
    for (int i = 0; i < 1000; ++i)
      if (!block_works(500)) return false;
    return true;
  };
  check_fork(works, works);
  stop = true;
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  return run_checks(argc, argv,
                    {{"size_classes", size_classes},
                     {"reuse", reuse},
                     {"stats_and_release", stats_and_release},
                     {"bound", bound},
                     {"larger_ones_for_now", larger_ones_for_now},
                     {"absurd_sizes", absurd_sizes},
                     {"out_of_memory", out_of_memory},
                     {"several_threads", several_threads},
                     {"forks", forks}});
}
