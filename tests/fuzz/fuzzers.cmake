# The fuzzers: NAME_fuzz.cpp, by the library whose readers it feeds.
set(FIRN_FUZZERS_engine safetensors)
set(FIRN_FUZZERS_optim checkpoint)
set(FIRN_FUZZERS_layers onnx pt2)
set(FIRN_FUZZERS_data bitmaps cifar csv foreign gzip idx image npy npz text ts tsv)
set(FIRN_FUZZERS_app grid network options run study weights)
