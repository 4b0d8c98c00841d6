// How a team of threads goes through the steps of recurrent layers, and what its members share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>

#include <sched.h>

#include "core/caches.h"
#include "core/processor.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/gemm_cut.h"
#include "ops/rnn.h"

namespace fastnn {

// How far a thread has come: those that go together wait for each other.
struct alignas(64) Progress {
  std::atomic<int64_t> rounds{0};
};

// What a thread does: directions, rows of the batch, and a part of the units. Threads that share
// rows must meet after every step, as each reads what all of them made of it.
struct RnnShare {
  int worker;
  int direction, direction_step;  // the first, and on to the next
  int64_t row0, row1;
  int part, parts;
  Progress* group;  // of part 0; the others follow at equal distances
  int distance;

  int64_t begin(int64_t items) const { return part * items / parts; }
  int64_t end(int64_t items) const { return (part + 1) * items / parts; }

  void meet() const {
    if (parts == 1) return;
    std::atomic<int64_t>& own = group[part * distance].rounds;
    const int64_t round = own.load(std::memory_order_relaxed) + 1;
    own.store(round, std::memory_order_release);
    for (int i = 0; i < parts; ++i) await(group[i * distance].rounds, round);
  }

 private:
  static void await(const std::atomic<int64_t>& rounds, int64_t round) {
    constexpr int kSpins = 1000;
    for (int spins = 0; rounds.load(std::memory_order_acquire) < round; ++spins)
      if (spins < kSpins)
        pause();
      else
        sched_yield();
  }
};

// Directions are dealt out first, then rows, if a thread's cache holds the weights of a step, so
// that nobody waits; else units.
class RnnTeam {
 public:
  RnnTeam(const RnnShape& shape, int64_t threads)
      : shape_(shape), threads_(std::min<int64_t>({threads, thread_count(), kMost})) {}

  // Calls body(share) on each thread that has a share.
  template <class Body>
  void run(Body&& body) {
    struct Context {
      RnnTeam* team;
      Body* body;
    } context{this, &body};
    run_team(
        worth_waking(),
        [](void* data, int worker, int workers) {
          const Context& own = *static_cast<Context*>(data);
          RnnShare share;
          if (own.team->share_of(worker, workers, &share)) (*own.body)(share);
        },
        &context);
  }

 private:
  static constexpr int kMost = 64;           // threads
  static constexpr double kTeamFlops = 4e5;  // of all steps, for more than one thread
  static constexpr double kFlops = 2e4;      // of a step that a thread takes, at least
  static constexpr int64_t kLeastRows = 6;   // that a thread takes

  double step_flops() const {
    return 2.0 * static_cast<double>(shape_.batch * shape_.units) *
           static_cast<double>(shape_.columns());
  }
  int worth_waking() const {
    const double flops = step_flops() * shape_.directions;
    if (flops * static_cast<double>(shape_.steps) < kTeamFlops) return 1;
    return static_cast<int>(std::clamp<int64_t>(static_cast<int64_t>(flops / kFlops), 1, threads_));
  }

  bool share_of(int worker, int workers, RnnShare* share) {
    const int apart = std::min(workers, shape_.directions), group = workers / apart;
    const int rows = rows_apart(group), parts = group / rows, own = worker / apart;
    if (own >= rows * parts) return false;
    const int r = own / parts, direction = worker % apart;
    *share = {worker,
              direction,
              apart,
              r * shape_.batch / rows,
              (r + 1) * shape_.batch / rows,
              own % parts,
              parts,
              &progress_[r * parts * apart + direction],
              apart};
    return true;
  }
  int rows_apart(int threads) const {
    const int64_t weights = shape_.units * shape_.columns() * shape_.element();
    if (weights > caches().l2 * 3 / 4) return 1;
    return static_cast<int>(std::clamp<int64_t>(shape_.batch / kLeastRows, 1, threads));
  }

  const RnnShape& shape_;
  int64_t threads_;
  Progress progress_[kMost];
};

// One product of a step, for some rows: read where they lie, times a packed matrix.
struct StepProduct {
  GemmProblem g;
  GemmCut cut;

  // Packed as for `most` rows: tiles of fewer rows are at least as wide as those of more, on every
  // target, so there is one for each panel.
  StepProduct(DType dtype, int64_t rows, int64_t most, int64_t n, int64_t k)
      : g(problem(dtype, rows, n, k)), cut(g, GemmCut(problem(dtype, most, n, k))) {}
  StepProduct(const StepProduct&) = delete;

  int64_t packed_elements() const { return cut.panels * cut.panel * g.k; }

  // c = a b, or c += a b, for these panels of columns. The first tiles fetch what will be needed
  // after it, the others the panel behind their own: all weights may be more than a cache holds.
  void run(const char* a, int64_t a_row, const char* b, char* c, int64_t c_row, bool onto,
           int64_t panel0, int64_t panel1, Ahead later = {}) {
    g.a = a;
    g.a_row = a_row;
    g.c = c;
    g.c_row = c_row;
    g.onto = onto;
    for (int64_t p = 0; p == 0 || p < g.k; p += kSumBlock) {
      const int64_t panel = cut.panel * std::min(g.k - p, kSumBlock);
      const char* block = cut.at(b, p * cut.panels * cut.panel);
      for (int64_t j = panel0; j < panel1; ++j) {
        const char* own = cut.at(block, j * panel);
        const Ahead next = {cut.at(own, panel), 0, 1, panel * cut.element / 64 + 1};
        cut.run(cut.read_a(0, p), {own, cut.panel, panel}, 0, cut.row_tiles, j, j + 1, p,
                p == 0 && j == panel0 ? later : next);
      }
    }
  }

 private:
  static GemmProblem problem(DType dtype, int64_t m, int64_t n, int64_t k) {
    GemmProblem g;
    g.dtype = dtype;
    g.m = m;
    g.n = n;
    g.k = k;
    g.a_row = k;
    g.a_k = 1;
    g.b_column = 1;
    return g;
  }
};

// The step of x that a direction visits as its k-th.
struct RnnOrder {
  int64_t steps;
  bool reversed;

  RnnOrder(const RnnShape& shape, const RnnAttributes& attributes, int direction)
      : steps(shape.steps), reversed((attributes.backwards != 0) != (direction == 1)) {}
  int64_t at(int64_t k) const { return reversed ? steps - 1 - k : k; }
};

// to[k - k0, row - row0] = from[row, order(k)], on this thread.
void to_step_order(const Array& from, const RnnOrder& order, int64_t k0, int64_t k1, int64_t row0,
                   int64_t row1, char* to);
// The way back: to[row, order(k)] = from[k, row], or += with `onto`.
void from_step_order(const char* from, const RnnOrder& order, bool onto, const Array& to);

// An RnnCode for every step and row, in the order of the steps.
void step_codes(const Array& mask, const RnnOrder& order, bool zero_masked, unsigned char* codes);

}  // namespace fastnn
