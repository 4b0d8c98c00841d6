// Cutting work into tasks, by shape alone.
#pragma once

#include "core/thread_pool.h"

namespace fastnn {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How many units of `elements` each make a task of about `wanted` elements.
constexpr int64_t units_per_task(int64_t elements, int64_t wanted) {
  return elements < wanted ? wanted / (elements ? elements : 1) : 1;
}

// Calls body(first, count) for the pieces of `size` that cover [0, n), each a task.
template <class Body>
void for_pieces(int64_t n, int64_t size, Body&& body, bool are_short = false) {
  parallel_for(
      ceil_div(n, size),
      [&](int64_t task) {
        const int64_t first = task * size, left = n - first;
        body(first, left < size ? left : size);
      },
      are_short);
}

// Calls body(i, first, count) for pieces of at most `chunk` of the `inner` columns of every slab
// i < outer, each `rows` high; several to a task of about `wanted` elements.
template <class Body>
void for_columns(int64_t outer, int64_t rows, int64_t inner, int64_t chunk, int64_t wanted,
                 Body&& body) {
  const int64_t chunks = ceil_div(inner, chunk), width = inner < chunk ? inner : chunk;
  for_pieces(outer * chunks, units_per_task(rows * width, wanted),
             [&](int64_t first, int64_t count) {
               for (int64_t unit = first; unit < first + count; ++unit) {
                 const int64_t j = unit % chunks * chunk, left = inner - j;
                 body(unit / chunks, j, left < chunk ? left : chunk);
               }
             });
}

}  // namespace fastnn
