#include "ops/gemm_plan.h"

#include <algorithm>

#include "core/caches.h"
#include "core/kernel_table.h"
#include "core/summation_order.h"

namespace fastnn {
namespace {

// Fewer operations than these are not worth another thread's waking; a task has at least so many.
constexpr double kTeamFlops = 4e5;
constexpr double kTaskFlops = 2e5;
constexpr int64_t kMostTasks = 64;
// Rows of A that a task goes through while the panels it uses stay in the second cache.
constexpr int64_t kTaskRows = 112;
// A panel of B is packed when more tiles than this will read it.
constexpr int64_t kTilesWithoutPacking = 2;
// A tile of A is packed for its own sake when so many panels of B go by it.
constexpr int64_t kPanelsWorthPackingA = 8;
constexpr int64_t kCollidingStride = 4096;  // the size of one way of the first cache
// Packed panels of B, all blocks of k together, stay within the last cache.
constexpr int64_t kPackedBytes = 4 << 20;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

GemmPlan plan_gemm(const GemmProblem& g) {
  GemmPlan plan{};
  if (g.m == 0 || g.n == 0) return plan;
  const bool is_f32 = g.dtype == DType::float32;
  plan.tiles = is_f32 ? &kernels().gemm.f32 : &kernels().gemm.f64;
  plan.pack = is_f32 ? kernels().pack.f32 : kernels().pack.f64;
  plan.element = item_size(g.dtype);
  const GemmTiles& tiles = *plan.tiles;

  plan.row_tiles = divide_up(g.m, tiles.rows);
  const int64_t rows = plan.most_rows(g);
  int64_t vectors = tiles.widest[rows];
  while (vectors > 1 && vectors / 2 * tiles.lanes >= g.n) vectors /= 2;
  plan.panel = vectors * tiles.lanes;
  plan.panels = divide_up(g.n, plan.panel);

  // Rows of A at such a distance share the sets of the first cache, which has few ways.
  const bool rows_collide = g.a_row * plan.element % kCollidingStride == 0;
  plan.pack_a = (g.a_k != 1 && g.k > 1) || (rows_collide && plan.panels >= kPanelsWorthPackingA);
  plan.pack_b = (g.b_column != 1 && g.n > 1) || plan.row_tiles > kTilesWithoutPacking;

  const CacheSizes& cache = caches();
  const int64_t block_bytes = plan.panel * kSumBlock * plan.element;
  plan.hold_a = block_bytes > cache.l1 * 3 / 4;
  plan.pass_panels = plan.panels;
  plan.pass_depth = std::max<int64_t>(g.k, 1);
  if (plan.pack_b) {
    plan.pass_panels = std::clamp<int64_t>(cache.l2 / 2 / block_bytes, 1, plan.panels);
    const int64_t blocks = std::max<int64_t>(1, kPackedBytes / (block_bytes * plan.pass_panels));
    plan.pass_depth = std::min(plan.pass_depth, blocks * kSumBlock);
  }

  const double flops =
      2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  plan.worth_team = flops >= kTeamFlops;
  const int64_t wanted =
      std::clamp<int64_t>(static_cast<int64_t>(flops / kTaskFlops), 1, kMostTasks);
  plan.row_group = std::clamp<int64_t>(plan.row_tiles / wanted, 1, divide_up(kTaskRows, rows));
  plan.panel_group = plan.pass_panels;
  const int64_t groups = divide_up(plan.row_tiles, plan.row_group);
  if (groups < wanted) plan.panel_group = std::max<int64_t>(1, plan.pass_panels * groups / wanted);
  return plan;
}

}  // namespace fastnn
