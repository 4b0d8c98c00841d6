// How one product is cut: tiles, packing, tasks. By shape alone; and nothing here can change a
// result.
#pragma once

#include "kernels/families.h"
#include "ops/gemm.h"

namespace fastnn {

// Elements from a packed row of A to the next: a block of k, and a shift so that rows of a tile
// do not share the sets of a cache.
constexpr int64_t kPackedRowA = 256 + 16;

struct GemmPlan {
  const GemmTiles* tiles;
  MatrixPackKernel pack;
  int64_t element;  // bytes

  int64_t row_tiles;      // A falls into so many tiles of nearly equal height,
  int64_t row_group;      // a task takes so many of them
  int64_t panel, panels;  // columns of B a tile takes, and how many of these panels B has,
  int64_t panel_group;    // a task takes so many of them
  int64_t pass_panels;    // B is gone through (and packed) so many panels
  int64_t pass_depth;     // by so many rows at a time: whole blocks of k
  bool pack_a, pack_b;
  bool hold_a;      // a tile of A stays in the first cache while panels go by, else a panel of B
  bool worth_team;  // enough work to wake other threads

  int64_t row(const GemmProblem& g, int64_t tile) const { return tile * g.m / row_tiles; }
  int64_t most_rows(const GemmProblem& g) const { return (g.m + row_tiles - 1) / row_tiles; }

  // Scratch memory: B's is shared, A's is a buffer for each thread.
  int64_t packed_a_bytes(const GemmProblem& g) const {
    return pack_a ? row_group * most_rows(g) * kPackedRowA * element : 0;
  }
  int64_t packed_b_bytes() const { return pack_b ? pass_panels * panel * pass_depth * element : 0; }
};

GemmPlan plan_gemm(const GemmProblem& problem);

}  // namespace fastnn
