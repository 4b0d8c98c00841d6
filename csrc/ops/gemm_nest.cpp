// The loops around the micro-kernel: passes over B, tasks, blocks of k, panels, tiles.
#include <algorithm>
#include <atomic>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/gemm.h"
#include "ops/gemm_plan.h"

namespace fastnn {
namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Calls body(task, slot) for every task, on at most `slots` threads; no two calls at the same time
// have the same slot, so that memory can go with it.
template <class Body>
void deal(int64_t slots, int64_t tasks, Body&& body) {
  std::atomic<int64_t> next{0};
  parallel_for(std::min(slots, tasks), [&](int64_t slot) {
    for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;)
      body(task, slot);
  });
}

struct Nest {
  const GemmProblem& g;
  const GemmPlan& plan;
  int64_t slots;  // how many tasks may run at the same time
  char* packed_b;
  char* packed_a;  // packed_a_bytes for every slot
  GemmEpilogue epilogue;

  const char* at(const char* base, int64_t offset) const { return base + offset * plan.element; }
  char* at(char* base, int64_t offset) const { return base + offset * plan.element; }

  void run() {
    for (int64_t j = 0; j < plan.panels; j += plan.pass_panels)
      for (int64_t p = 0; p == 0 || p < g.k; p += plan.pass_depth)
        pass(j, std::min(plan.panels, j + plan.pass_panels), p, std::min(g.k, p + plan.pass_depth));
  }

  void pass(int64_t panel0, int64_t panel1, int64_t p0, int64_t p1) {
    const int64_t panels = panel1 - panel0, blocks = divide_up(p1 - p0, kSumBlock);
    if (plan.pack_b)
      deal(slots, panels * blocks, [&](int64_t task, int64_t) {
        pack_panel(panel0, panel0 + task % panels, p0, p0 + task / panels * kSumBlock, p1);
      });
    const int64_t row_groups = divide_up(plan.row_tiles, plan.row_group);
    const int64_t panel_groups = divide_up(panels, plan.panel_group);
    deal(slots, row_groups * panel_groups, [&](int64_t task, int64_t slot) {
      const int64_t tile = task / panel_groups * plan.row_group;
      const int64_t panel = panel0 + task % panel_groups * plan.panel_group;
      block(panel0, tile, std::min(plan.row_tiles, tile + plan.row_group), panel,
            std::min(panel1, panel + plan.panel_group), p0, p1,
            packed_a + slot * plan.packed_a_bytes(g));
    });
  }

  // A block of k of a panel of B, packed: rows of plan.panel columns.
  char* panel_at(int64_t panel0, int64_t panel, int64_t p0, int64_t p, int64_t p1) const {
    return at(packed_b, (p - p0) * plan.pass_panels * plan.panel +
                            (panel - panel0) * plan.panel * std::min(p1 - p, kSumBlock));
  }

  void pack_panel(int64_t panel0, int64_t panel, int64_t p0, int64_t p, int64_t p1) const {
    const int64_t column = panel * plan.panel;
    Packing packing;
    packing.from = at(g.b, p * g.b_k + column * g.b_column);
    packing.from_row = g.b_k;
    packing.from_column = g.n > 1 ? g.b_column : 1;
    packing.to = panel_at(panel0, panel, p0, p, p1);
    packing.to_row = plan.panel;
    packing.rows = std::min(p1 - p, kSumBlock);
    packing.columns = std::min(g.n - column, plan.panel);
    packing.padded = divide_up(packing.columns, plan.tiles->lanes) * plan.tiles->lanes;
    plan.pack(&packing);
  }

  // One task: these tiles and panels of C, for a range of k.
  void block(int64_t panel0, int64_t tile0, int64_t tile1, int64_t panel, int64_t panel_end,
             int64_t p0, int64_t p1, char* a_buffer) {
    for (int64_t p = p0; p == p0 || p < p1; p += kSumBlock) {
      GemmTile t{};
      t.depth = std::min(p1 - p, kSumBlock);
      t.accumulate = p != 0;
      t.last = p + kSumBlock >= g.k ? &epilogue : nullptr;
      const int64_t row0 = plan.row(g, tile0);
      const char* a = at(g.a, row0 * g.a_row + p * g.a_k);
      t.a_row = g.a_row;
      if (plan.pack_a) {
        Packing packing{a,       g.a_row, g.a_k, a_buffer, kPackedRowA, plan.row(g, tile1) - row0,
                        t.depth, t.depth};
        plan.pack(&packing);
        a = a_buffer;
        t.a_row = kPackedRowA;
      }
      const auto visit = [&](int64_t tile, int64_t j) {
        const int64_t row = plan.row(g, tile);
        t.row = row;
        t.a = at(a, (row - row0) * t.a_row);
        const char* b =
            plan.pack_b ? panel_at(panel0, j, p0, p, p1) : at(g.b, p * g.b_k + j * plan.panel);
        t.b_k = plan.pack_b ? plan.panel : g.b_k;
        run_tiles(t, b, plan.row(g, tile + 1) - row, j * plan.panel);
      };
      if (plan.hold_a)
        for (int64_t tile = tile0; tile < tile1; ++tile)
          for (int64_t j = panel; j < panel_end; ++j) visit(tile, j);
      else
        for (int64_t j = panel; j < panel_end; ++j)
          for (int64_t tile = tile0; tile < tile1; ++tile) visit(tile, j);
    }
  }

  // The tiles of one panel: one, or for the last panel the powers of two that it is made of.
  void run_tiles(GemmTile& t, const char* b, int64_t rows, int64_t column) {
    const int64_t lanes = plan.tiles->lanes;
    const int64_t end = std::min(g.n, column + plan.panel);
    char* c = at(g.c, t.row * g.c_row);
    for (int64_t j = column; j < end;) {
      const int64_t vectors = divide_up(end - j, lanes);
      int width = 0;
      while ((int64_t{2} << width) <= vectors) ++width;
      const int64_t covered = lanes << width, tail = end - j < covered ? (end - j) % lanes : 0;
      t.b = at(b, j - column);
      t.c = at(c, j);
      t.c_row = g.c_row;
      t.column = j;
      t.columns = static_cast<int32_t>(tail);
      plan.tiles->tile[rows][width][tail != 0](&t);
      j += covered;
    }
  }
};

}  // namespace

void run_gemm_nest(const GemmProblem& g, char* scratch, int64_t scratch_bytes) {
  const GemmPlan plan = plan_gemm(g);
  const int64_t for_b = plan.packed_b_bytes(), for_a = plan.packed_a_bytes(g);
  int64_t slots = plan.worth_team ? thread_count() : 1;
  if (for_a) slots = std::min(slots, (scratch_bytes - for_b) / for_a);
  Nest nest{g, plan, slots, scratch, scratch + for_b, {}};
  GemmEpilogue& e = nest.epilogue;
  e.alpha = g.alpha;
  e.beta = g.beta;
  e.c0 = g.beta != 0 ? g.c0 : nullptr;
  e.c0_row = e.residual_row = g.n;
  e.bias = g.bias;
  e.residual = g.residual;
  e.relu = g.relu;
  nest.run();
}

int64_t gemm_scratch_bytes(const GemmProblem& g) {
  const GemmPlan plan = plan_gemm(g);
  return plan.packed_b_bytes() + (plan.worth_team ? thread_count() : 1) * plan.packed_a_bytes(g);
}

}  // namespace fastnn
