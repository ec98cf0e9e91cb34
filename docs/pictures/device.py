"""The device with its stores and widths, and the path of a token through it: out of the configurations' rows."""

from svg import Picture, configuration, figure, thousands

NAME = "token1024"


def widths(row):
    """What follows from a row, as the contract says it (hdl/spec/src/config.rs)."""
    lanes = row["array_rows"] * row["array_cols"]
    return {
        "lanes": lanes,
        "tile": 2 * lanes,
        "act": row["array_cols"] * row["planes"],
        "result": 24 * row["array_rows"],
        "weights": row["tile_words"] * lanes,
    }


def device():
    row = configuration(NAME)
    token, wide = row["token"], widths(row)
    kilobytes = lambda words, bits: f"{words * bits / 8192:.0f} KiB"
    picture = Picture(
        900, 470, "The device: link, stores, array and token machine", f"configuration {NAME}, hdl/spec/configs.toml; widths in bits (derived)"
    )
    block = picture.block
    block(20, 76, 136, 52, ["link", "UART or parallel, 8"])
    block(184, 76, 156, 52, ["frames", f"COBS, CRC-32, {row['slots']} slots"])
    block(368, 76, 128, 52, ["commands", "pages, seals, jobs"])
    block(524, 76, 166, 52, ["token commands", "prompt, loop, queue"])
    block(720, 76, 160, 52, ["sequencer", f"{token['steps']} steps"])
    for x in (156, 340, 496):
        picture.line([(x, 94), (x + 28, 94)], "soft", arrow=True)
        picture.line([(x + 28, 112), (x, 112)], "two", 1.8, arrow=True)
    picture.line([(690, 102), (720, 102)], "soft", arrow=True)
    block(20, 190, 220, 66, ["tile store", f"{row['tile_words']} words of {thousands(wide['tile'])}", f"{thousands(wide['weights'])} weights, {kilobytes(row['tile_words'], wide['tile'])}"], edge="one")
    block(20, 300, 220, 66, ["activation store", f"{row['act_words']} words of {thousands(wide['act'])}", "codes of a vector, 8 bits each"], edge="one")
    block(300, 214, 170, 128, ["array", f"{wide['lanes']} lanes", f"{row['array_rows']} rows × {row['array_cols']} columns", "tables of 4 columns"], edge="two")
    block(530, 190, 160, 66, ["results", f"{row['result_words']} words of {wide['result']}", "24 bits per row"], edge="one")
    block(530, 300, 160, 66, ["elementwise pipe", "8 values per cycle", "scale, RoPE, gate, add"], edge="two")
    block(740, 190, 140, 66, ["attention", f"{token['heads']} heads of {token['head_dim']}", f"ring of {token['ring']}"], edge="two")
    block(740, 286, 140, 52, ["KV memory", f"{thousands(2 * token['layers'] * token['ring'])} rows of {token['kv_width']} × 4"], edge="one")
    block(740, 382, 140, 66, ["token selection", "argmax, or sampled", "with seeded noise"], edge="two")
    block(300, 396, 390, 52, ["wide values, constants, embedding", f"{token['wide_words']} + {token['constant_words']} words of 8, {thousands(token['embedding_codes'])} codes"], edge="one")
    line = picture.line
    line([(432, 128), (432, 160), (130, 160), (130, 190)], arrow=True)
    picture.text(140, 154, "weights, once", "soft", 11.5)
    line([(240, 223), (300, 240)], arrow=True)
    picture.text(247, 217, thousands(wide["tile"]), "soft", 11.5)
    line([(240, 333), (300, 316)], arrow=True)
    picture.text(247, 345, thousands(wide["act"]), "soft", 11.5)
    line([(470, 262), (530, 223)], arrow=True)
    picture.text(482, 226, wide["result"], "soft", 11.5)
    line([(470, 300), (530, 326)], arrow=True)
    line([(690, 334), (722, 334), (722, 242), (740, 242)], arrow=True)
    line([(740, 210), (706, 210), (706, 314), (690, 314)], arrow=True)
    line([(690, 352), (715, 352), (715, 415), (740, 415)], arrow=True)
    line([(796, 256), (796, 286)], "one", 1.5, arrow=True)
    line([(824, 286), (824, 256)], "one", 1.5, arrow=True)
    line([(610, 366), (610, 396)], "soft", 1.5, arrow=True)
    line([(530, 352), (500, 376), (130, 376), (130, 366)], "soft", arrow=True)
    picture.text(250, 390, "codes of the next vector", "soft", 11.5)
    line([(880, 415), (892, 415), (892, 150), (607, 150), (607, 128)], "two", 1.8, arrow=True)
    picture.text(619, 144, "tokens alone go back, to the link", "two", 11.5)
    return picture


def token():
    row = configuration(NAME)
    sizes, wide = row["token"], widths(row)
    picture = Picture(900, 504, "The path of a token", f"every box is a step that the fabric does itself; models/tiny.ndf on {NAME}, {figure('token-cycles')} cycles per token (simulated)")
    block, line = picture.block, picture.line
    block(20, 86, 120, 58, ["token", "a byte of text"])
    block(180, 86, 140, 58, ["embedding", "4-bit codes, scales"])
    line([(140, 115), (180, 115)], arrow=True)
    line([(320, 115), (360, 115)], arrow=True)
    picture.text(330, 104, "x", "ink b", 13)
    block(360, 86, 500, 58, ["the residual stream", "kept wide; every block adds to it twice"])
    picture.rect(20, 176, 860, 240, "page", radius=8, edge="rest")
    picture.text(32, 196, f"one of {sizes['layers']} blocks", "soft b", 12)
    top = [("norm, quantize", "int8"), ("q, k, v", "product"), ("RoPE", "positions"), ("scores", f"last {sizes['ring']}"), ("softmax, V", "weighted sum"), ("o", "product, + x")]
    low = [("norm, quantize", "int8"), ("gate, up", "product"), ("SwiGLU", "table"), ("quantize", "int8"), ("down", "product, + x")]
    for y, steps, pitch in ((208, top, 142), (346, low, 142)):
        for k, (name, what) in enumerate(steps):
            is_product = what.startswith("product")
            block(32 + pitch * k, y, 122, 54, [name, what], edge="two" if is_product else "edge")
            if k:
                line([(32 + pitch * k - 20, y + 27), (32 + pitch * k, y + 27)], arrow=True)
    block(316, 284, 406, 40, ["KV memory", f"keys and values of the last {sizes['ring']} positions, 4 bits each"], edge="one")
    for x, ends, text in ((377, (262, 284), "k, v"), (519, (284, 262), "keys"), (661, (284, 262), "values")):
        line([(x, ends[0]), (x, ends[1])], "one", 1.5, arrow=True)
        picture.text(x + 8, 277, text, "one", 11.5)
    line([(803, 262), (803, 335), (93, 335), (93, 346)], arrow=True)
    line([(610, 144), (610, 176)], arrow=True)
    block(32, 436, 142, 54, ["norm, quantize", "int8"])
    block(194, 436, 142, 54, ["LM head", "product"], edge="two")
    block(356, 436, 142, 54, ["token selection", "argmax or sampled"])
    block(520, 436, 160, 54, ["token", "to the queue, and on"])
    for x, to in ((174, 194), (336, 356), (498, 520)):
        line([(x, 463), (to, 463)], arrow=True)
    line([(103, 416), (103, 436)], arrow=True)
    line([(600, 436), (600, 426), (888, 426), (888, 70), (80, 70), (80, 86)], "soft", 1.2, arrow=True, dashes="5 4")
    picture.text(692, 452, f"green: products by {thousands(wide['lanes'])} lanes;", "two", 11.5)
    picture.text(692, 468, "weight bits address sums", "two", 11.5)
    picture.text(692, 484, "of activations in LUT RAM", "two", 11.5)
    return picture


PICTURES = {"device.svg": device, "token.svg": token}
