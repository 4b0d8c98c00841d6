// Products whose tasks share nothing: each packs what it needs for itself, or reads the operands
// where they lie.
#include <algorithm>

#include "core/summation_order.h"
#include "ops/deal.h"
#include "ops/gemm_cut.h"
#include "ops/gemm_paths.h"

namespace fastnn {
namespace {

constexpr double kTaskFlops = 2e5;  // of a task, at least
constexpr int64_t kMostTasks = 64;
constexpr int64_t kColumnTasks = 16;        // so many if there are the columns for it
constexpr int64_t kRunBytes = 1024;         // of a row of B that a task packs, at most
constexpr int64_t kCollidingStride = 4096;  // the size of one way of the first cache

struct Private {
  GemmCut cut;
  int64_t row_groups = 1, panel_groups = 1;
  bool packs_a = false, packs_b = false;

  explicit Private(const GemmProblem& g) : cut(g) {}

  static Private direct(const GemmProblem& g) {
    Private p(g);
    const int64_t wanted =
        std::clamp<int64_t>(static_cast<int64_t>(p.cut.flops() / kTaskFlops), 1, kMostTasks);
    p.row_groups = std::min(wanted, p.cut.row_tiles);
    p.panel_groups = std::min(divide_up(wanted, p.row_groups), p.cut.panels);
    return p;
  }

  static Private columns(const GemmProblem& g) {
    Private p(g);
    p.packs_b = true;
    p.packs_a = way_of_a(g) == WayOfA::none ||
                (g.a_k == 1 ? g.a_row : g.a_k) * p.cut.element % kCollidingStride == 0;
    const int64_t most = kRunBytes / (p.cut.panel * p.cut.element);
    p.panel_groups =
        divide_up(p.cut.panels, std::clamp<int64_t>(p.cut.panels / kColumnTasks, 1, most));
    return p;
  }

  int64_t bytes_of_a() const {
    return packs_a ? cut.block_of_a_bytes(group(cut.row_tiles, row_groups)) : 0;
  }
  int64_t bytes_of_b() const {
    return packs_b ? cut.block_of_b_bytes(group(cut.panels, panel_groups)) : 0;
  }
  int64_t bytes() const { return divide_up(bytes_of_a() + bytes_of_b(), 64) * 64; }
  int64_t threads(int64_t most) const {
    return std::min(worth_threads(cut.flops(), most), row_groups * panel_groups);
  }

  static int64_t group(int64_t items, int64_t groups) { return divide_up(items, groups); }
  static int64_t begin(int64_t items, int64_t groups, int64_t index) {
    return index * items / groups;
  }

  void run(int64_t most_threads, char* scratch, int64_t scratch_bytes) const {
    const int64_t each = bytes();
    int64_t slots = threads(most_threads);
    if (each) slots = std::min(slots, scratch_bytes / each);
    deal(slots, row_groups * panel_groups, [&](int64_t task, int64_t slot, int64_t next) {
      char* own = scratch + slot * each;
      const Part part = part_of(task), later = part_of(next);
      for (int64_t p = 0; p == 0 || p < cut.g.k; p += kSumBlock) {
        const BlockOfA a =
            packs_a ? cut.pack_a(part.tile0, part.tile1, p, own) : cut.read_a(part.tile0, p);
        const BlockOfB b = packs_b ? cut.pack_b(part.panel0, part.panel1, p, own + bytes_of_a())
                                   : cut.read_b(part.panel0, p);
        const bool more = p + kSumBlock < cut.g.k;
        cut.run(a, b, part.tile0, part.tile1, part.panel0, part.panel1, p,
                ahead(more ? part : later, more ? p + kSumBlock : 0));
      }
    });
  }

 private:
  struct Part {
    int64_t tile0, tile1, panel0, panel1;
  };

  Part part_of(int64_t task) const {
    const int64_t i = task / panel_groups, j = task % panel_groups;
    if (i >= row_groups) return {};
    return {begin(cut.row_tiles, row_groups, i), begin(cut.row_tiles, row_groups, i + 1),
            begin(cut.panels, panel_groups, j), begin(cut.panels, panel_groups, j + 1)};
  }

  // The larger operand streams by.
  Ahead ahead(const Part& part, int64_t p) const {
    if (packs_b || cut.g.n > cut.g.m) return cut.ahead_b(part.panel0, part.panel1, p);
    return cut.ahead_a(part.tile0, part.tile1, p);
  }
};

}  // namespace

int64_t gemm_direct_bytes(const GemmProblem&, int64_t) { return 0; }

void run_gemm_direct(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  Private::direct(g).run(threads, scratch, bytes);
}

int64_t gemm_columns_bytes(const GemmProblem& g, int64_t threads) {
  const Private p = Private::columns(g);
  return p.threads(threads) * p.bytes();
}

void run_gemm_columns(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  Private::columns(g).run(threads, scratch, bytes);
}

}  // namespace fastnn
