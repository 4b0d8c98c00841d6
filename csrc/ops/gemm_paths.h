// The ways through a product: one table, read from the top; the first row that fits is taken.
//
// By shape, dtype and layout alone. All of them but the dot products give the same bits.
#pragma once

#include "ops/gemm.h"

namespace fastnn {

struct GemmPath {
  const char* name;
  // What fits: 0 is no limit.
  int64_t most_m, most_n, most_k, most_results, least_k;
  enum Layout {
    any,
    readable,
    low,     // and one row of tiles covers C, so that nothing is read twice
    apart,   // and rows of A share no sets of a cache
    across,  // columns of A have unit stride
    dot_like
  } layout;
  int64_t (*scratch_bytes)(const GemmProblem& problem, int64_t threads);
  void (*run)(const GemmProblem& problem, int64_t threads, char* scratch, int64_t scratch_bytes);
  // For B that stays as it is over many products; null: they would not gain. (Large ones lose: the
  // copy that a product makes for itself is in the cache.)
  void (*pack_b)(const GemmProblem& problem, char* to);
};

struct GemmPaths {
  const GemmPath* begin;
  int64_t count;
};
GemmPaths gemm_paths();
const GemmPath& gemm_path(const GemmProblem& problem);

// Whether both operands can be read where they lie, in tiles.
bool is_readable(const GemmProblem& problem);
// k lies along the vector in both operands, and C is one row or one column.
bool is_dot_like(const GemmProblem& problem);

// Each result is a dot product.
void run_gemm_dots(const GemmProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// Nothing is packed.
int64_t gemm_direct_bytes(const GemmProblem& problem, int64_t threads);
void run_gemm_direct(const GemmProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// A task takes columns of C, and packs what it needs of B.
int64_t gemm_columns_bytes(const GemmProblem& problem, int64_t threads);
void run_gemm_columns(const GemmProblem& problem, int64_t threads, char* scratch, int64_t bytes);
void pack_b_of_columns(const GemmProblem& problem, char* to);

// All threads pack B, then a task takes rows of C; of so many products at most with the same B.
constexpr int kMostTogether = 4;
int64_t packed_together_bytes(const GemmProblem* products, int count, int64_t threads);
void run_packed_together(const GemmProblem* products, int count, int64_t threads, char* scratch,
                         int64_t bytes);
int64_t gemm_packed_bytes(const GemmProblem& problem, int64_t threads);
void run_gemm_packed(const GemmProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// Groups of blocks of k are tasks; their sums are added in order.
int64_t gemm_split_bytes(const GemmProblem& problem, int64_t threads);
void run_gemm_split(const GemmProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// Threads that are worth waking for so much work.
inline int64_t worth_threads(double flops, int64_t threads) {
  constexpr double kTeamFlops = 4e5;
  return flops < kTeamFlops ? 1 : threads;
}

}  // namespace fastnn
