import { fileURLToPath } from "node:url";

// Slim images have no fonts, and a text without one is left out in silence: so these come along. See fonts/LICENSE.
const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) =>
  fileURLToPath(new URL(`fonts/${name}`, import.meta.url)),
);

/** The one family that is drawn, whatever an SVG asks for. */
export const fontFamily = "DejaVu Sans";

/**
 * Draws an SVG as a PNG, off the event loop. Only "DejaVu Sans", regular and bold, is there. `zoom` is in pixels for one
 * unit of the SVG.
 * @throws Error when it is no SVG: a fault of whoever made it.
 */
export async function drawPng(svg: string, { zoom = 1 }: { zoom?: number } = {}): Promise<Buffer> {
  // While it loads it asks Node for a report, which looks the name of every open connection's other end up, and the process
  // stands still meanwhile: for seconds, where a name server is silent.
  Object.assign(process.report, { excludeNetwork: true });
  // A native library, and needed once a run: loaded when it is.
  const { renderAsync } = await import("@resvg/resvg-js");
  const image = await renderAsync(svg, {
    font: { fontFiles, loadSystemFonts: false, defaultFontFamily: fontFamily },
    fitTo: { mode: "zoom", value: zoom },
  });
  return image.asPng();
}
