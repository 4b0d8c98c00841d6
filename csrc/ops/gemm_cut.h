// How one product is cut into tiles of C, and the loops over the tiles of one block of k.
//
// C falls into panels of columns, as wide as the widest tile, and rows of tiles of nearly equal
// height. By shape and instruction set alone; and nothing here can change a result.
#pragma once

#include "kernels/families.h"
#include "ops/gemm.h"
#include "ops/tasks.h"

namespace fastnn {

// Which way A can be read without a copy: rows of unit stride, columns of unit stride, or neither.
enum class WayOfA { along_k, across, none };
WayOfA way_of_a(const GemmProblem& g);
// A must be packed: it cannot be read, or what a tile reads of it shares the sets of a cache.
bool a_collides(const GemmProblem& g);
// One row of tiles is high enough.
bool is_low(const GemmProblem& g);
inline bool reads_b(const GemmProblem& g) { return g.b_column == 1 || g.n == 1; }

// A block of A: rows from the first of a task, one block of k.
struct BlockOfA {
  const char* data;
  int64_t step;  // elements to the next row; to the next k if !along_k
  bool along_k;
  int64_t tile = 0;  // elements to the next tile; 0: its rows follow
};

// A block of B: panels from the first of a task, one block of k.
struct BlockOfB {
  const char* data;
  int64_t step;   // elements to the next k
  int64_t panel;  // elements to the next panel
};

// What is read later, fetched while tiles are computed: pieces of a few lines of a cache each.
struct Ahead {
  const char* data;
  int64_t step;  // bytes to the next piece
  int64_t pieces, lines;
};
struct AheadOfBoth {
  Ahead a{}, b{};
  AheadOfBoth() = default;
  AheadOfBoth(Ahead first, Ahead second = {}) : a(first), b(second) {}
};

struct GemmCut {
  const GemmProblem& g;
  const GemmTiles* tiles;
  MatrixPackKernel pack;
  SliceKernel slice;
  GemmEpilogue epilogue;
  bool has_epilogue;
  int64_t element;      // bytes
  int64_t row_tiles;    // how many tiles lie above each other
  int64_t panel;        // columns
  int64_t panel_width;  // log2 of the vectors in a panel
  int64_t panels;

  explicit GemmCut(const GemmProblem& g);
  // For tiles no higher than those of `other`, on operands packed for that one.
  GemmCut(const GemmProblem& g, const GemmCut& other);

  const char* at(const char* base, int64_t offset) const { return base + offset * element; }
  char* at(char* base, int64_t offset) const { return base + offset * element; }
  int64_t row(int64_t tile) const { return tile * g.m / row_tiles; }
  int64_t most_rows() const { return ceil_div(g.m, row_tiles); }
  double flops() const;

  // Memory for one block of so many tiles of A, or panels of B, packed.
  int64_t block_of_a_bytes(int64_t row_tiles) const;
  int64_t block_of_b_bytes(int64_t panels) const;

  // Where a block lies in the operand, or its packed copy.
  BlockOfA read_a(int64_t tile0, int64_t p) const;
  BlockOfA pack_a(int64_t tile0, int64_t tile1, int64_t p, char* to) const;
  BlockOfB read_b(int64_t panel0, int64_t p) const;
  BlockOfB pack_b(int64_t panel0, int64_t panel1, int64_t p, char* to) const;
  void pack_b_rows(int64_t panel0, int64_t panel1, int64_t p, int64_t p0, int64_t p1,
                   char* to) const;

  // What the raw operands hold there, as pieces to be fetched ahead; none where that is no use.
  Ahead ahead_a(int64_t tile0, int64_t tile1, int64_t p) const;
  Ahead ahead_b(int64_t panel0, int64_t panel1, int64_t p) const;

  // Whether the first row of tiles can pack what it reads of B: others will read that, so it is as
  // high as tiles that pack have to be, and panels are as wide as these.
  bool tiles_can_pack() const;

  // Adds one block of k, from p on, to these tiles of C. With memory for it, the first row of tiles
  // packs the panels of B that it reads, for the other rows.
  void run(const BlockOfA& a, BlockOfB b, int64_t tile0, int64_t tile1, int64_t panel0,
           int64_t panel1, int64_t p, AheadOfBoth ahead = {}, char* packed = nullptr) const;

  // The epilogue, on sums that lie in C.
  void finish() const;

 private:
  int64_t slice_elements() const;
  BlockOfA slice_a(int64_t tile0, int64_t tile1, int64_t p, char* to) const;
  Ahead pieces(const char* data, int64_t step, int64_t count, int64_t length) const;
};

// One row of tiles in the panel of columns that `tile` is set to; its last tile may be narrower.
void run_panel(const GemmTiles& tiles, int64_t element, const GemmTileKernel (&kernels)[][2],
               int64_t panel_width, int64_t n, GemmTile& tile);

}  // namespace fastnn
