// @ts-check
// The images on the editor's buttons, as SVG paths on a grid of 16 x 16.

/** SVG paths by the name of what the button does. */
export const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  loop: "M11 1.5 13.5 4 11 6.5M13.5 4H5a3 3 0 0 0-3 3v1M5 14.5 2.5 12 5 9.5M2.5 12H11a3 3 0 0 0 3-3V8",
  click: "M6 2h4l2.5 12h-9zM8 11l4-7M4.5 10.5h7",
  add: "M8 1.5 14.5 8 8 14.5 1.5 8zM8 5.2v5.6M5.2 8h5.6",
  remove: "M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.7 6.5v4.5M9.3 6.5v4.5",
  lock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  snap: "M3 2v6a5 5 0 0 0 10 0V2h-3v6a2 2 0 0 1-4 0V2zM3 4.5h3M10 4.5h3",
  fit: "M1.5 3v10M14.5 3v10M4 8h8M6 5.5 3.5 8 6 10.5M10 5.5 12.5 8 10 10.5",
  zoomIn: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14M7 5v4M5 7h4",
  zoomOut: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14M5 7h4",
  text: "M4.5 3.5 1.5 8l3 4.5M11.5 3.5l3 4.5-3 4.5M9.3 2.5 6.7 13.5",
  menu: [3, 8, 13].map((x) => `M${x} 6.6a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8z`).join(""),
  run: "M2 3v10l6-5zM8 3v10l6-5z",
};
