// SPDX-License-Identifier: Apache-2.0
// A product as rows on one working grid: every band resampled, pixels without data
// found before resampling and filled from their neighbours for the networks.
//
// Working grid: 10 m (or the finest band needed, for raw products), or 20 m.
//   coarser bands   nearest neighbour: the pixel that covers the working pixel
//   10 m at 20 m    the mean of 2x2, rounded
//   no data         a working pixel is invalid when any band has DN 0, or the product's own
//                   no-data value, in it (for a 2x2 mean: in any of the four), whatever
//                   the other bands hold
//
// Filling.  A network must not see a cliff of zeros at the swath's edge, so an
// invalid pixel takes the digital numbers of a near valid one: the nearer of left,
// right, and what the column held above.  Rows before the first valid pixel take
// that first row's filled values.  The result is masked afterwards with valid_row().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/host/product.h"
#include "io/host/state_archive.h"
#include "io/parallel.h"
#include "kernels/isa.h"
#include "tools/run/args.h"

namespace dtacs {

struct SceneOptions {
  std::vector<int> bands;           // band indices to read, ascending
  int resolution = 0;               // metres; 0: that of the finest band read
  std::optional<Rect> window = {};  // on the working grid
  std::optional<int> offset = {};   // instead of the metadata's RADIO_ADD_OFFSET of every band
  Parallel parallel = Parallel::serial();
  IsaSet isa = detect_isa();
};

class Scene {
 public:
  // Throws Failure: missing_input (a band is not there), unsupported (resolutions
  // that do not fit together), usage (a window outside).  The product must outlive it.
  Scene(const Product& product, const SceneOptions& options);

  int width() const { return width_; }
  // Of the working grid of the whole scene, whatever the window, and of a band's file.
  int grid_width() const { return grid_width_; }
  int grid_height() const { return grid_height_; }
  int native_width(int slot) const { return bands_[static_cast<std::size_t>(slot)].native_width; }
  int native_height(int slot) const { return bands_[static_cast<std::size_t>(slot)].native_height; }
  int height() const { return height_; }
  double pixel_size() const { return pixel_size_; }  // metres, nominal: 10 or 20
  // Metres on the ground of one working pixel: the same but for decimated copies and
  // other sensors' bands.
  double ground_size() const { return pixel_size_ * ground_scale_; }
  double ulx() const { return ulx_; }  // of the window
  double uly() const { return uly_; }

  // Position of a band index among options.bands; -1 when it is not read.
  int slot(int band) const;
  int band_count() const { return static_cast<int>(bands_.size()); }
  // Working pixels to a native pixel of this slot (1 or more; a 10 m band at 20 m has 1).
  int scale(int slot) const { return bands_[static_cast<std::size_t>(slot)].scale; }
  // The native pixel, counted from the window's first, that covers a working column or row.
  int native_column(int slot, int x) const;
  int native_row(int slot, int y) const;
  PixelWindow native_window(int slot) const;  // what is read of the band's file
  // Working pixels by which that first native pixel starts left of or above the window.
  int native_shift_x(int slot) const;
  int native_shift_y(int slot) const;
  float add_offset(int slot) const { return offsets_[static_cast<std::size_t>(slot)]; }
  float quantification() const { return quantification_; }

  // At least this many rows below rows_read() stay readable, of values and of validity,
  // and one read() may take as many; call before prepare().
  void keep(int value_rows, int valid_rows);
  // Takes the memory for them; before the first read(), and not before it is known that there is as much.
  void prepare();
  // Reads the next rows (fewer at the end).  Throws Failure(bad_data).
  void read(int rows);
  int rows_read() const { return rows_read_; }
  // All that the next rows depend on; or goes on behind rows_read() of another scene of the
  // same product and options.  Rows before it are not there then.
  void exchange(StateArchive& state);

  // Rows [0, filled_rows()) have filled values: all that were read, once a valid
  // pixel was met, and none before.
  int filled_rows() const { return first_valid_ < 0 ? 0 : rows_read_; }
  const std::uint16_t* row(int slot, int y) const;  // filled
  const std::uint8_t* valid_row(int y) const;       // 1 or 0
  bool any_valid(int y) const {
    return y >= first_valid_ && any_valid_[static_cast<std::size_t>(y % valid_ring_)] != 0;
  }
  // Bytes of rows held and of the readers' working memory.
  std::size_t memory() const;
  // Valid pixels read so far in which some band has the saturated value.
  std::int64_t saturated_pixels() const { return saturated_pixels_; }

 private:
  struct Band {
    std::unique_ptr<BandReader> reader;
    std::string path;
    int index = 0;       // in the product
    int scale = 1;       // working pixels to a native pixel
    bool halve = false;  // native pixels are half as large as working ones
    int native_width = 0, native_height = 0;
    PixelWindow window;                // of the native grid, what the reader delivers
    std::vector<int> column;           // native column of each working one; both counted from the window's first
    int first = 0, held = 0;           // native rows in `lines`, counted from the window's first
    std::vector<std::uint16_t> lines;  // (rows, window.width); none where native pixels are working ones

    bool as_it_is() const { return scale == 1 && !halve; }
  };

  static constexpr int kRowsAtOnce = 16;

  std::uint16_t* slot_row(int slot, int y);
  void next_rows(Band& band, int rows, std::uint16_t* out, std::ptrdiff_t stride);
  void take_rows(int slot, int y0, int rows);
  void resample_row(int slot, int y);
  int judge_row(int y);
  void fill_rows(int y0, int rows);
  bool find_sources(int y, int* from);

  const Product* product_;
  Parallel parallel_;
  IsaSet isa_;
  std::vector<Band> bands_;
  std::vector<int> band_ids_;
  std::vector<float> offsets_;
  float quantification_ = 10000;
  int width_ = 0, height_ = 0, x0_ = 0, y0_ = 0, grid_width_ = 0, grid_height_ = 0;
  double pixel_size_ = 0, ground_scale_ = 1, ulx_ = 0, uly_ = 0;
  std::uint16_t no_data_ = 0, saturated_ = 0;
  std::int64_t saturated_pixels_ = 0;

  int ring_ = 0, valid_ring_ = 0;  // rows held
  int rows_read_ = 0, first_valid_ = -1;
  std::size_t values() const {
    return static_cast<std::size_t>(ring_) * static_cast<std::size_t>(width_) * bands_.size();
  }
  std::vector<std::uint16_t> values_;  // (ring, band, width)
  std::vector<std::uint16_t> lead_;    // (band, width): the first row with a valid pixel, filled
  std::vector<std::uint8_t> valid_;    // (valid ring, width)
  std::vector<std::uint8_t> any_valid_;
  std::vector<std::uint8_t> nothing_valid_;  // (width) zeros: the rows before the first valid pixel
  std::vector<int> sources_;                 // (kRowsAtOnce, width): see find_sources()
  std::vector<std::int32_t> age_;            // by column: distance to the valid pixel whose values the last row holds
};

}  // namespace dtacs
