// Large products: B is packed pass by pass by all threads, then tasks take rows of C; or of several
// matrices C, each of its own A and the same B.
//
// Passes follow each other without a barrier: there are two buffers for B, so that who finds no
// rows left in a pass packs for the next one.
#include <algorithm>
#include <atomic>
#include <optional>

#include <sched.h>

#include "core/caches.h"
#include "core/processor.h"
#include "core/summation_order.h"
#include "ops/deal.h"
#include "ops/gemm_cut.h"
#include "ops/gemm_paths.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskRows = 96;        // of C that a task takes
constexpr int64_t kPassBytes = 2 << 20;  // packed B
constexpr int64_t kPackRows = 64;        // of B that a task packs
constexpr int64_t kColumnsForPacking = 384, kColumnsForSlicing = 64;
constexpr int kSpins = 2000;

// The panels of each part, where at most `most` make one and all parts are nearly alike.
int64_t even_share(int64_t panels, int64_t most) {
  return ceil_div(panels, ceil_div(panels, std::max<int64_t>(1, most)));
}

// One kind of task in passes of equal parity: claimed in order, counted when done.
struct alignas(64) Line : Deck {
  alignas(64) std::atomic<int64_t> done{0};

  void await(int64_t count) const {
    for (int spins = 0; done.load(std::memory_order_acquire) < count; ++spins)
      if (spins < kSpins)
        pause();
      else
        sched_yield();
  }
};

// One of the products. Rows of tiles are counted over all of them: its own begin at tile0.
struct Part {
  GemmCut cut;
  int64_t tile0;
  bool packs_a;

  Part(const GemmProblem& g, const GemmCut& panels, int64_t tile0)
      : cut(g, panels),
        tile0(tile0),
        packs_a(cut.g.n >
                    (way_of_a(cut.g) == WayOfA::across ? kColumnsForSlicing : kColumnsForPacking) ||
                a_collides(cut.g)) {}

  // Of a task, however few there are.
  int64_t most_tiles() const { return std::max<int64_t>(kTaskRows / cut.most_rows(), 1); }
  int64_t bytes_of_a() const {
    return packs_a ? aligned(cut.block_of_a_bytes(std::min(most_tiles(), cut.row_tiles))) : 0;
  }
};

struct Packed {
  GemmCut cut;  // of the product with the highest tiles: all can read its panels of B
  std::optional<Part> parts[kMostTogether];
  int count;
  int64_t row_tiles = 0;            // of all
  int64_t pass_panels, pass_depth;  // B is gone through by so many panels and rows at a time
  int64_t group;                    // of those panels, what stays in the second cache

  Packed(const GemmProblem* products, int count) : cut(highest(products, count)), count(count) {
    const GemmProblem& g = cut.g;
    for (int i = 0; i < count; ++i) {
      parts[i].emplace(products[i], cut, row_tiles);
      row_tiles += parts[i]->cut.row_tiles;
    }
    const int64_t block = cut.panel * kSumBlock * cut.element;
    pass_panels = even_share(cut.panels, kPassBytes / block);
    group = even_share(pass_panels, caches().l2 / 2 / block);
    const int64_t blocks = std::max<int64_t>(1, kPassBytes / (block * pass_panels));
    pass_depth = std::min(std::max<int64_t>(g.k, 1), blocks * kSumBlock);
  }
  Packed(const Packed&) = delete;

  static const GemmProblem& highest(const GemmProblem* products, int count) {
    const GemmProblem* best = products;
    for (int i = 1; i < count; ++i)
      if (GemmCut(products[i]).most_rows() > GemmCut(*best).most_rows()) best = products + i;
    return *best;
  }

  int64_t passes() const {
    return ceil_div(cut.panels, pass_panels) * ceil_div(std::max<int64_t>(cut.g.k, 1), pass_depth);
  }
  int64_t bytes_of_a() const {
    int64_t most = 0;
    for (int i = 0; i < count; ++i) most = std::max(most, parts[i]->bytes_of_a());
    return most;
  }
  int64_t bytes_of_b() const { return aligned(pass_panels * cut.panel * pass_depth * cut.element); }
  int64_t buffers() const { return std::min<int64_t>(2, passes()); }
  int64_t threads(int64_t most) const {
    double flops = 0;
    for (int i = 0; i < count; ++i) flops += parts[i]->cut.flops();
    return worth_threads(flops, most);
  }

  struct Pass {
    int64_t panel0, panel1, p0, p1;
    char* buffer;

    // Where the block at p lies, packed.
    char* block(const Packed& own, int64_t p) const {
      return own.cut.at(buffer, (p - p0) * (panel1 - panel0) * own.cut.panel);
    }
  };

  Pass pass_of(int64_t index, char* buffer) const {
    const int64_t wide = ceil_div(cut.panels, pass_panels);
    const int64_t j = index % wide * pass_panels, p = index / wide * pass_depth;
    return {j, std::min(cut.panels, j + pass_panels), p, std::min(cut.g.k, p + pass_depth), buffer};
  }

  // Tasks of packing: rows of B, or its panels where those are stored as rows.
  int64_t pack_tasks(const Pass& pass) const {
    return cut.g.b_column == 1
               ? ceil_div(pass.p1 - pass.p0, kPackRows)
               : (pass.panel1 - pass.panel0) * ceil_div(pass.p1 - pass.p0, kSumBlock);
  }

  void pack(const Pass& pass, int64_t task) const {
    if (cut.g.b_column == 1) {
      const int64_t row = pass.p0 + task * kPackRows;
      const int64_t p = pass.p0 + (row - pass.p0) / kSumBlock * kSumBlock;
      cut.pack_b_rows(pass.panel0, pass.panel1, p, row - p, std::min(row + kPackRows, pass.p1) - p,
                      pass.block(*this, p));
      return;
    }
    const int64_t panels = pass.panel1 - pass.panel0, panel = pass.panel0 + task % panels;
    const int64_t p = pass.p0 + task / panels * kSumBlock;
    const int64_t depth = std::min(cut.g.k - p, kSumBlock);
    cut.pack_b(panel, panel + 1, p,
               cut.at(pass.block(*this, p), (panel - pass.panel0) * cut.panel * depth));
  }

  // Rows of tiles as all products are counted.
  void multiply(const Pass& pass, int64_t begin, int64_t end, char* own) const {
    for (int i = 0; i < count; ++i) {
      const Part& part = *parts[i];
      const int64_t tile0 = std::max<int64_t>(begin - part.tile0, 0),
                    tile1 = std::min(end - part.tile0, part.cut.row_tiles);
      if (tile0 < tile1) multiply(part, pass, tile0, tile1, own);
    }
  }

  void multiply(const Part& part, const Pass& pass, int64_t tile0, int64_t tile1, char* own) const {
    const GemmCut& rows = part.cut;
    for (int64_t p = pass.p0; p == pass.p0 || p < pass.p1; p += kSumBlock) {
      const BlockOfA a = part.packs_a ? rows.pack_a(tile0, tile1, p, own) : rows.read_a(tile0, p);
      const Ahead ahead = what_follows(rows, pass, tile0, tile1, p);
      const int64_t panel = cut.panel * std::min(cut.g.k - p, kSumBlock);
      for (int64_t j = pass.panel0; j < pass.panel1; j += group) {
        const BlockOfB b{cut.at(pass.block(*this, p), (j - pass.panel0) * panel), cut.panel, panel};
        rows.run(a, b, tile0, tile1, j, std::min(j + group, pass.panel1), p, ahead);
      }
    }
  }

  // What is read of A after this block.
  static Ahead what_follows(const GemmCut& rows, const Pass& pass, int64_t tile0, int64_t tile1,
                            int64_t p) {
    if (p + kSumBlock < pass.p1) return rows.ahead_a(tile0, tile1, p + kSumBlock);
    return rows.ahead_a(tile1, std::min(tile1 + tile1 - tile0, rows.row_tiles), pass.p0);
  }

  void run(int64_t most_threads, char* scratch, int64_t scratch_bytes) const {
    const int64_t for_b = buffers() * bytes_of_b(), for_a = bytes_of_a();
    int64_t slots = threads(most_threads);
    if (for_a) slots = std::min(slots, (scratch_bytes - for_b) / for_a);
    int64_t most_tiles = parts[0]->most_tiles();
    for (int i = 1; i < count; ++i) most_tiles = std::min(most_tiles, parts[i]->most_tiles());
    Line packing[2], multiplying[2];
    parallel_for(std::max<int64_t>(slots, 1), [&](int64_t slot) {
      int64_t packed[2] = {0, 0}, multiplied[2] = {0, 0};
      for (int64_t index = 0; index < passes(); ++index) {
        const int parity = index & 1;
        const Pass pass = pass_of(index, scratch + parity * bytes_of_b());
        const int64_t to_pack = pack_tasks(pass);
        multiplying[parity].await(multiplied[parity]);  // the buffer is free again
        each(packing[parity], packed[parity], to_pack, slots, 1, [&](int64_t begin, int64_t end) {
          for (int64_t task = begin; task < end; ++task) pack(pass, task);
        });
        packing[parity].await(packed[parity] += to_pack);
        // Sums go on where the pass before left them, if it had the same columns.
        if (index > 0 && pass_panels >= cut.panels) multiplying[!parity].await(multiplied[!parity]);
        each(multiplying[parity], multiplied[parity], row_tiles, slots, most_tiles,
             [&](int64_t tile0, int64_t tile1) {
               multiply(pass, tile0, tile1, scratch + for_b + slot * for_a);
             });
        multiplied[parity] += row_tiles;
      }
    });
  }

 private:
  template <class Body>
  static void each(Line& line, int64_t first, int64_t count, int64_t threads, int64_t most,
                   Body&& body) {
    for (int64_t begin, end;
         line.claim(first + count, threads > 1 ? 2 * threads : 1, 1, most, &begin, &end);) {
      body(begin - first, end - first);
      line.done.fetch_add(end - begin, std::memory_order_release);
    }
  }
};

}  // namespace

int64_t packed_together_bytes(const GemmProblem* products, int count, int64_t threads) {
  const Packed p(products, count);
  return p.buffers() * p.bytes_of_b() + p.threads(threads) * p.bytes_of_a();
}

void run_packed_together(const GemmProblem* products, int count, int64_t threads, char* scratch,
                         int64_t bytes) {
  Packed(products, count).run(threads, scratch, bytes);
}

int64_t gemm_packed_bytes(const GemmProblem& g, int64_t threads) {
  return packed_together_bytes(&g, 1, threads);
}

void run_gemm_packed(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  run_packed_together(&g, 1, threads, scratch, bytes);
}

}  // namespace fastnn
