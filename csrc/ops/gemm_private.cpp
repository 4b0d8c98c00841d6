// Products whose tasks share nothing: each packs what it needs for itself, or reads the operands
// where they lie.
#include <algorithm>

#include "core/summation_order.h"
#include "ops/deal.h"
#include "ops/gemm_cut.h"
#include "ops/gemm_paths.h"

namespace fastnn {
namespace {

constexpr double kRunFlops = 1e5;    // of a run of tiles, at least
constexpr int64_t kRunRows = 96;     // of C that a task takes, at most
constexpr int64_t kRunBytes = 1024;  // of a row of B, too

// Runs of rows of tiles, or of panels, are dealt out.
struct Private {
  GemmCut cut;
  bool by_rows, packs_a, packs_b;

  static Private direct(const GemmProblem& g) {
    const GemmCut cut(g);
    return {cut, cut.row_tiles >= cut.panels, false, false};
  }

  static Private columns(const GemmProblem& g) { return {GemmCut(g), false, a_collides(g), true}; }

  int64_t items() const { return by_rows ? cut.row_tiles : cut.panels; }
  int64_t least() const {
    const double each = cut.flops() / static_cast<double>(items());
    return std::clamp<int64_t>(static_cast<int64_t>(kRunFlops / std::max(each, 1.0)), 1, items());
  }
  int64_t most() const {
    const int64_t run =
        by_rows ? kRunRows / cut.most_rows() : kRunBytes / (cut.panel * cut.element);
    return std::max({run, least(), int64_t{1}});
  }

  // Scratch memory of one thread.
  int64_t bytes_of_a() const { return packs_a ? aligned(cut.block_of_a_bytes(cut.row_tiles)) : 0; }
  int64_t bytes_of_b() const {
    return packs_b && !cut.g.packed_b ? cut.block_of_b_bytes(std::min(most(), cut.panels)) : 0;
  }
  int64_t bytes() const { return aligned(bytes_of_a() + bytes_of_b()); }

  void run(int64_t threads, char* scratch, int64_t scratch_bytes) const {
    const int64_t each = bytes();
    int64_t slots = worth_threads(cut.flops(), threads);
    if (each) slots = std::min(slots, scratch_bytes / each);
    deal(slots, items(), least(), most(),
         [&](int64_t begin, int64_t end, int64_t slot, int64_t next) {
           multiply(part(begin, end), part(next, std::min(next + end - begin, items())),
                    scratch + slot * each);
         });
  }

 private:
  struct Part {
    int64_t tile0, tile1, panel0, panel1;
  };

  Part part(int64_t begin, int64_t end) const {
    return by_rows ? Part{begin, end, 0, cut.panels} : Part{0, cut.row_tiles, begin, end};
  }

  void multiply(const Part& own, const Part& later, char* buffer) const {
    for (int64_t p = 0; p == 0 || p < cut.g.k; p += kSumBlock) {
      const BlockOfA a =
          packs_a ? cut.pack_a(own.tile0, own.tile1, p, buffer) : cut.read_a(own.tile0, p);
      char* packed = packs_b && !cut.g.packed_b ? buffer + bytes_of_a() : nullptr;
      const bool by_tiles = packed && cut.tiles_can_pack();
      const BlockOfB b = by_tiles ? cut.read_b(own.panel0, p) : block_of_b(own, p, packed);
      const bool more = p + kSumBlock < cut.g.k + cut.g.k_after;
      const AheadOfBoth ahead = more ? what_streams(own, p + kSumBlock) : what_streams(later, 0);
      cut.run(a, b, own.tile0, own.tile1, own.panel0, own.panel1, p, ahead,
              by_tiles ? packed : nullptr);
    }
  }

  BlockOfB block_of_b(const Part& own, int64_t p, char* packed) const {
    if (!packs_b) return cut.read_b(own.panel0, p);
    if (packed) return cut.pack_b(own.panel0, own.panel1, p, packed);
    const int64_t panel = cut.panel * std::min(cut.g.k - p, kSumBlock);
    const int64_t before = p * cut.panels * cut.panel + own.panel0 * panel;
    return {cut.at(cut.g.packed_b, before), cut.panel, panel};
  }

  AheadOfBoth what_streams(const Part& part, int64_t p) const {
    if (by_rows) return cut.ahead_a(part.tile0, part.tile1, p);
    const Ahead b = cut.ahead_b(part.panel0, part.panel1, p);
    // At p = 0 this is about other panels: of A they read what was read before.
    return {packs_a && p > 0 ? cut.ahead_a(part.tile0, part.tile1, p) : Ahead{}, b};
  }
};

}  // namespace

int64_t gemm_direct_bytes(const GemmProblem&, int64_t) { return 0; }

void run_gemm_direct(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  Private::direct(g).run(threads, scratch, bytes);
}

int64_t gemm_columns_bytes(const GemmProblem& g, int64_t threads) {
  const Private p = Private::columns(g);
  return worth_threads(p.cut.flops(), threads) * p.bytes();
}

// Block by block of k, each panel by panel.
void pack_b_of_columns(const GemmProblem& g, char* to) {
  const GemmCut cut(g);
  parallel_for(ceil_div(g.k, kSumBlock), [&](int64_t block) {
    const int64_t p = block * kSumBlock;
    cut.pack_b(0, cut.panels, p, cut.at(to, p * cut.panels * cut.panel));
  });
}

void run_gemm_columns(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  Private::columns(g).run(threads, scratch, bytes);
}

}  // namespace fastnn
