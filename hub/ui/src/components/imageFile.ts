// What a file is, by its first bytes and not by its name, and what can be done here so that the hub takes it.

/** An image that is made smaller here has at most this many pixels: more than any model looks at. */
const PIXELS_AFTER = 12_000_000;

export type ImageKind = "jpeg" | "png" | "heic" | "webp" | "avif" | "gif" | "bmp" | "tiff" | "unknown";

/** Why the hub would not take a file as it is. */
export type Finding = "empty" | "tooLarge" | "heic" | "otherFormat" | "notImage";

/** The format by the first 16 bytes. */
export function kindOf(head: Uint8Array): ImageKind {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("GIF8")) return "gif";
  if (text.startsWith("BM")) return "bmp";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "tiff";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (text.slice(4, 8) === "ftyp") {
    const brand = text.slice(8, 12);
    if (/^(heic|heix|hevc|heim|heis|hevm|mif1|msf1)$/.test(brand)) return "heic";
    if (/^avi[fs]$/.test(brand)) return "avif";
  }
  return "unknown";
}

/**
 * What the hub would say of a file, before it is sent; `null` if nothing speaks against it.
 *
 * @param mostBytes the largest image that the hub takes; while that is not known, the hub alone judges the size
 */
export async function examine(file: Blob, mostBytes: number | undefined): Promise<Finding | null> {
  if (file.size === 0) return "empty";
  const kind = kindOf(new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  if (kind === "unknown") return "notImage";
  if (kind === "heic") return "heic";
  if (kind !== "jpeg" && kind !== "png") return "otherFormat";
  return mostBytes !== undefined && file.size > mostBytes ? "tooLarge" : null;
}

/**
 * The same image as a JPEG of a size that the hub takes.
 *
 * @throws if this browser cannot read it
 */
export async function asJpeg(file: Blob, name: string): Promise<File> {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, Math.sqrt(PIXELS_AFTER / (image.width * image.height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  if (!blob) throw new Error("the image could not be encoded");
  return new File([blob], `${name.replace(/\.[^.]*$/, "")}.jpg`, { type: "image/jpeg" });
}
