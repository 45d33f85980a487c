export const app: any;
