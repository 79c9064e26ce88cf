/** Recognizes requests that a browser sends for a page of another site. */
import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a page of another origin caused this request. Browsers send `Sec-Fetch-Site` only to HTTPS and to the local
 * machine; to plain HTTP they send `Origin` with every method except GET and HEAD. Programs send neither.
 */
export const isFromAnotherSite = (headers: IncomingHttpHeaders): boolean => {
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
};
