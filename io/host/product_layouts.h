// SPDX-License-Identifier: Apache-2.0
// The layouts open_product() chooses from; each reads the metadata and makes a Product.
#pragma once

#include <memory>
#include <string>

#include "io/host/product.h"

namespace dtacs {

// A .SAFE folder: product metadata `metadata` in `root`, tiles in root/GRANULE.
std::unique_ptr<Product> open_safe(const std::string& root, const std::string& metadata, const ProductHints& hints);

// A folder that holds the band files themselves: AWS's (with metadata.xml) or loose ones.
std::unique_ptr<Product> open_band_folder(const std::string& folder, const ProductHints& hints);

// Raw samples with an ENVI header or a flag line; see raw_product.h.
std::unique_ptr<Product> open_raw(const std::string& path, const ProductHints& hints);

}  // namespace dtacs
