// Matrix products for drivers: one product of two matrices, read through strides, with an epilogue.
//
//   C = relu?(alpha * A B + beta * C0 + bias + residual)
//
// A is [m, k], B [k, n], C [m, n] with rows of unit stride. The loop nest follows
// K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008), and
// F. Van Zee, R. van de Geijn, "BLIS" (2015), with k blocks of a constant size: csrc/core/
// summation_order.h says why no other size may change a result. Which way a product takes is said
// in one table, ops/gemm_paths.cpp.
#pragma once

#include <cstdint>

#include "core/primitive.h"

namespace fastnn {

struct GemmProblem {
  DType dtype = DType::float32;
  int64_t m = 0, n = 0, k = 0;
  const char* a = nullptr;
  int64_t a_row = 0, a_k = 0;  // strides in elements, as all others
  const char* b = nullptr;
  int64_t b_k = 0, b_column = 0;
  const char* packed_b = nullptr;  // what gemm_pack_b wrote; null: B is packed if it has to be
  char* c = nullptr;
  int64_t c_row = 0;

  double alpha = 1, beta = 0;
  const char* c0 = nullptr;        // read when beta is not 0; rows of stride n
  const char* bias = nullptr;      // [n]
  const char* residual = nullptr;  // rows of stride n
  bool relu = false;               // the epilogue's last step
  bool onto = false;               // C holds what the sums are added to
  bool in_order = false;           // all blocks of k one after the other, however many
  int64_t k_after = 0;             // steps of k behind these that are likely to be read next
};

// The sum of [rows, columns] over its rows, as a product with ones: in the order of a product's.
GemmProblem sum_of_rows(DType dtype, int64_t rows, int64_t columns, const char* from, char* to);

// Scratch memory comes in whole lines of a cache.
inline int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// Scratch memory for one product of these extents and layouts on so many threads, in bytes.
int64_t gemm_scratch_bytes(const GemmProblem& problem, int64_t threads);

// B as the product's way through reads it, whoever computes: 0 bytes where that is as it lies.
int64_t gemm_packed_b_bytes(const GemmProblem& problem);
void gemm_pack_b(const GemmProblem& problem, char* to);

// The product on at most `threads` threads: those that are free, worth waking and provided with
// scratch memory.
void gemm(const GemmProblem& problem, int64_t threads, char* scratch, int64_t scratch_bytes);

// Several products; neighbours with the same B share what is packed of it and run at the same time,
// so none may read what another writes.
int64_t gemm_scratch_bytes(const GemmProblem* products, int count, int64_t threads);
void gemm(const GemmProblem* products, int count, int64_t threads, char* scratch,
          int64_t scratch_bytes);

// Throws unless the code names a function of one floating-point number.
void check_activation(const Call& call, int64_t code);

void register_dense_backward();

}  // namespace fastnn
