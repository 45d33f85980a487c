export const api: {
  apiURL(route: string): string;
  addEventListener(type: string, listener: (event: CustomEvent) => void): void;
};
