# SPDX-License-Identifier: Apache-2.0
"""Writes band arrays as a Sentinel-2 L1C product in SAFE compact layout, encoded as ESA encodes it."""
import os
import subprocess
import sys
import tempfile

# By resolution: tile, code-block and precinct size of ESA's JPEG 2000 files.
ENCODING = {10: (1024, 64, 256), 20: (640, 8, 128), 60: (192, 4, 64)}


def write_jp2(path, pixels, resolution, bits=15):
    """Lossless JPEG 2000 with ESA's parameters: reversible 5/3, 5 resolutions, one layer, LRCP, PLT."""
    tile, block, precinct = ENCODING[resolution]
    height, width = pixels.shape
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "band.pgm")
        with open(source, "wb") as f:
            f.write(b"P5\n%d %d\n%d\n" % (width, height, 2**bits - 1))
            f.write(pixels.astype(">u2" if bits > 8 else "u1").tobytes())
        command = ["opj_compress", "-i", source, "-o", path]
        command += ["-n", "5", "-p", "LRCP", "-t", f"{tile},{tile}", "-b", f"{block},{block}"]
        command += ["-c", ",".join([f"[{precinct},{precinct}]"] * 5), "-PLT"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{path}: opj_compress failed: {done.stderr.strip()}")


class Product:
    """Names and place of a simulated product."""

    def __init__(self, size, spacecraft="2A", sensed="20260621T105031", tile="T31TDH", orbit=51, zone=31):
        self.size = size  # pixels of 10 m
        self.spacecraft = spacecraft
        self.sensed = sensed
        self.tile = tile
        self.zone = zone
        self.upper_left = (430020, 4770000)
        self.baseline = "05.11"
        number = self.baseline.replace(".", "")
        self.name = f"S{spacecraft}_MSIL1C_{sensed}_N{number}_R{orbit:03d}_{tile}_{sensed[:8]}T130000.SAFE"
        self.orbit = orbit
        self.granule = f"L1C_{tile}_A056789_{sensed}"
        self.images = os.path.join("GRANULE", self.granule, "IMG_DATA")

    @property
    def time(self):
        d = self.sensed
        return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[9:11]}:{d[11:13]}:{d[13:15]}.024Z"

    def image(self, band):
        return f"{self.images}/{self.tile}_{self.sensed}_{band}"


def product_metadata(product, bands, offset, cloud_percent):
    offsets = "\n".join(
        f'        <RADIO_ADD_OFFSET band_id="{i}">{offset}</RADIO_ADD_OFFSET>' for i in range(len(bands))
    )
    images = "\n".join(f"            <IMAGE_FILE>{product.image(b)}</IMAGE_FILE>" for b in bands)
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Simulated data, not a Copernicus product. -->
<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{product.time}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{product.time}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{product.name}</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI1C</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{product.baseline}</PROCESSING_BASELINE>
      <GENERATION_TIME>{product.time}</GENERATION_TIME>
      <Datatake datatakeIdentifier="GS{product.spacecraft}_{product.sensed}_056789_N{product.baseline}">
        <SPACECRAFT_NAME>Sentinel-{product.spacecraft}</SPACECRAFT_NAME>
        <DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
        <DATATAKE_SENSING_START>{product.time}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>{product.orbit}</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Query_Options completeSingleTile="true">
        <PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT>
      </Query_Options>
      <Product_Organisation>
        <Granule_List>
          <Granule granuleIdentifier="{product.granule}" imageFormat="JPEG2000">
{images}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>
      <Radiometric_Offset_List>
{offsets}
      </Radiometric_Offset_List>
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>{cloud_percent:.2f}</Cloud_Coverage_Assessment>
  </n1:Quality_Indicators_Info>
</n1:Level-1C_User_Product>
"""


def tile_metadata(product, sun_zenith, sun_azimuth):
    sizes, places = "", ""
    for resolution in (10, 20, 60):
        count = product.size * 10 // resolution
        sizes += f"""      <Size resolution="{resolution}">
        <NROWS>{count}</NROWS>
        <NCOLS>{count}</NCOLS>
      </Size>
"""
        places += f"""      <Geoposition resolution="{resolution}">
        <ULX>{product.upper_left[0]}</ULX>
        <ULY>{product.upper_left[1]}</ULY>
        <XDIM>{resolution}</XDIM>
        <YDIM>-{resolution}</YDIM>
      </Geoposition>
"""
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Simulated data, not a Copernicus product. -->
<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">S{product.spacecraft}_OPER_MSI_{product.granule}_N{product.baseline}</TILE_ID>
    <SENSING_TIME metadataLevel="Standard">{product.time}</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>WGS84 / UTM zone {product.zone}N</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>EPSG:{32600 + product.zone}</HORIZONTAL_CS_CODE>
{sizes}{places}    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Mean_Sun_Angle>
        <ZENITH_ANGLE unit="deg">{sun_zenith:.3f}</ZENITH_ANGLE>
        <AZIMUTH_ANGLE unit="deg">{sun_azimuth:.3f}</AZIMUTH_ANGLE>
      </Mean_Sun_Angle>
    </Tile_Angles>
  </n1:Geometric_Info>
</n1:Level-1C_Tile_ID>
"""


def write_product(folder, product, bands, images, resolutions, offset, sun, cloud_percent):
    """Writes FOLDER/....SAFE. images: {band: DN array at its native resolution}; sun: zenith and azimuth, degrees."""
    root = os.path.join(folder, product.name)
    os.makedirs(os.path.join(root, product.images), exist_ok=True)
    for band, resolution in zip(bands, resolutions):
        write_jp2(os.path.join(root, product.image(band) + ".jp2"), images[band], resolution)
    with open(os.path.join(root, "MTD_MSIL1C.xml"), "w") as f:
        f.write(product_metadata(product, bands, offset, cloud_percent))
    with open(os.path.join(root, "GRANULE", product.granule, "MTD_TL.xml"), "w") as f:
        f.write(tile_metadata(product, *sun))
