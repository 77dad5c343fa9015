/**
 * Where things stand in the picture of a lane: heights of rows and places of columns, by the number
 * of pods and the width of the card. All lanes of a page have the same.
 */

/** Up to so many pods each row has its name and its number. */
export const NAMED_PODS_MAX = 30;

/** Above this many fair shares a pod has too much. */
export const OVER = 1.5;

/** Columns of the picture, in CSS pixels from its left edge. */
export interface PictureLayout {
  /** Height of a row. */
  readonly row: number;
  /** Where the client, what stands between, and the pods are. */
  readonly clientX: number;
  readonly hubX: number;
  readonly podX: number;
  /** Where names begin. */
  readonly nameX: number;
  /** Where bars begin, and where they must end. */
  readonly barX: number;
  readonly barEnd: number;
  /** Rows are too low for names and numbers. */
  readonly isDense: boolean;
}

/** What stands between client and pods needs so much height, however few the pods are. */
const HEIGHT_MIN = 76;

/** Height of a row of the picture for so many pods. */
export function pictureRow(pods: number): number {
  if (pods <= 4) return Math.ceil(HEIGHT_MIN / Math.max(1, pods));
  if (pods <= 12) return 19;
  if (pods <= 20) return 16;
  if (pods <= NAMED_PODS_MAX) return 13;
  return pods <= 60 ? 8 : 5;
}

/** Height of a row of the heat strip for so many pods. */
export function stripRow(pods: number): number {
  if (pods <= 12) return 10;
  if (pods <= NAMED_PODS_MAX) return 7;
  return 4;
}

/** The columns of a picture of this width. */
export function pictureLayout(pods: number, width: number): PictureLayout {
  const isDense = pods > NAMED_PODS_MAX;
  const fan = Math.max(96, Math.min(190, Math.round(width * (isDense ? 0.5 : 0.36))));
  const barX = isDense ? fan + 12 : fan + 66;
  return {
    row: pictureRow(pods),
    ...{ clientX: 12, hubX: Math.round(fan * 0.4), podX: fan },
    ...{ nameX: fan + 10, barX, isDense },
    barEnd: width - (isDense ? 4 : 46),
  };
}
