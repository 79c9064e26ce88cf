declare module "escape-html" {
  function escapeHtml(text: string): string;
  export = escapeHtml;
}
