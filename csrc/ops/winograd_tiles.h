// The tiles that Winograd's method cuts images into, and what of them lies inside.
#pragma once

#include <algorithm>

#include "kernels/winograd.h"
#include "ops/conv.h"
#include "ops/tasks.h"

namespace fastnn {

// Results fall into tiles of `size` x `size`.
struct WinogradTiles {
  const ConvShape& s;
  int64_t size, down, across, count;

  // Of x, that a tile reads along each axis.
  int64_t side() const { return size + s.windows.size[1] - 1; }
  int64_t frequencies() const { return side() * side(); }

  WinogradTiles(const ConvShape& shape, int64_t size)
      : s(shape),
        size(size),
        down(ceil_div(s.windows.out[1], size)),
        across(ceil_div(s.windows.out[2], size)),
        count(s.images * down * across) {}

  struct Place {
    int64_t image, row, column;  // of its first result
  };
  Place place(int64_t tile) const {
    return {tile / (down * across), tile / across % down * size, tile % across * size};
  }

  // What lies in an image of these extents of `side` x `side` elements from this place on.
  static WinogradTile tile_at(const int64_t* extents, int64_t channels, Place at, int64_t side) {
    WinogradTile t;
    t.pixel = t.channels = channels;
    t.row = extents[2] * channels;
    const auto inside = [&](int64_t first, int64_t extent, int32_t* from, int32_t* to) {
      *from = static_cast<int32_t>(std::clamp<int64_t>(-first, 0, side));
      *to = static_cast<int32_t>(std::clamp<int64_t>(extent - first, 0, side));
    };
    inside(at.row, extents[1], &t.top, &t.bottom);
    inside(at.column, extents[2], &t.left, &t.right);
    return t;
  }
  // Of images of these extents, the element at this place.
  static int64_t element(const int64_t* extents, int64_t channels, Place at) {
    return ((at.image * extents[1] + at.row) * extents[2] + at.column) * channels;
  }

  // A tile to be transformed; where to is left open.
  static WinogradInput piece(const float* images, const int64_t* extents, int64_t channels,
                             Place at, int64_t side) {
    WinogradInput t{};
    t.from = images + element(extents, channels, at);
    t.tile = tile_at(extents, channels, at, side);
    return t;
  }

  // Where what tile `tile` reads of x begins.
  Place input_place(int64_t tile) const {
    Place at = place(tile);
    at.row -= s.windows.before[1];
    at.column -= s.windows.before[2];
    return at;
  }
  WinogradInput input(const float* x, int64_t tile) const {
    return piece(x, s.windows.in, s.channels, input_place(tile), side());
  }
  // A tile of the results' gradient.
  WinogradInput signal(const float* dy, int64_t tile) const {
    return piece(dy, s.windows.out, s.filters, place(tile), size);
  }
};

// Elements from a tile to the next: whole lines, so that no vector is split between two.
inline int64_t winograd_row(int64_t channels) { return ceil_div(channels, 16) * 16; }

// Elements from a frequency to the next: an odd number of lines, so that those of one tile do not
// share the sets of a cache.
inline int64_t winograd_spread(int64_t elements) { return ceil_div(elements, 16) * 16 | 16; }

}  // namespace fastnn
