#include "ops/gemm_plan.h"

#include <algorithm>

#include "core/caches.h"
#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"

#include <cstdlib>
namespace fastnn {
namespace {
int64_t knob(const char* name, int64_t value) {
  const char* text = getenv(name);
  return text ? atoll(text) : value;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

GemmPlan plan_gemm(const GemmProblem& g, int threads) {
  GemmPlan plan{};
  const bool is_f32 = g.dtype == DType::float32;
  plan.tiles = is_f32 ? &kernels().gemm.f32 : &kernels().gemm.f64;
  plan.pack = is_f32 ? kernels().pack.f32 : kernels().pack.f64;
  plan.element = item_size(g.dtype);
  const GemmTiles& tiles = *plan.tiles;

  plan.row_tiles = divide_up(std::max<int64_t>(g.m, 1), tiles.rows);
  const int64_t rows = plan.most_rows(g);
  int64_t vectors = tiles.widest[std::max<int64_t>(rows, 1)];
  while (vectors > 1 && vectors / 2 * tiles.lanes >= g.n) vectors /= 2;
  plan.panel = vectors * tiles.lanes;
  plan.panels = divide_up(g.n, plan.panel);

  plan.pack_a = (g.a_k != 1 && g.k > 1) || (g.n > 64 && knob("PACK_A", 0));
  plan.pack_b = (g.b_column != 1 && g.n > 1) || (plan.row_tiles > knob("PACK_B_TILES", 2));

  const CacheSizes& cache = caches();
  const int64_t block_bytes = plan.panel * kSumBlock * plan.element;
  plan.hold_a = block_bytes > cache.l1 * 3 / 4;
  plan.pass_panels = plan.panels;
  plan.pass_depth = std::max<int64_t>(g.k, 1);
  if (plan.pack_b) {
    plan.pass_panels = std::min(plan.panels, std::max<int64_t>(1, cache.l2 / 2 / block_bytes));
    const int64_t blocks = std::max<int64_t>(1, knob("PASS_B", 4 << 20) / (block_bytes * plan.pass_panels));
    plan.pass_depth = std::min(plan.pass_depth, blocks * kSumBlock);
  }

  const double flops = 2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  const int64_t wanted = threads == 1 ? 1 : std::max<int64_t>(1, std::min<int64_t>(8 * threads, static_cast<int64_t>(flops / 1e6)));
  plan.row_group = std::clamp<int64_t>(plan.row_tiles / std::max<int64_t>(wanted,1), 1, divide_up(knob("MC", 112), rows));
  plan.panel_group = plan.pass_panels;
  const int64_t groups = divide_up(plan.row_tiles, plan.row_group);
  if (groups < wanted) plan.panel_group = std::max<int64_t>(1, plan.pass_panels * groups / wanted);
  plan.slots = flops < 1e5 ? 1 : threads;
  return plan;
}

}  // namespace fastnn
